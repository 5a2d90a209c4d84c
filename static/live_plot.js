// One Plotly graph per mounted element, updated in place: zoom, pan and hidden legend entries survive.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, themeOf } = await import("./shared.js" + search)

const BUTTONS = {
  all: [["zoom2d", "pan2d"], ["resetScale2d"], ["toImage"]],
  picture: [["toImage"]],
}
// A drag on a touch screen scrolls the page; charts must not catch it.
const TOUCH = matchMedia("(pointer: coarse)").matches

const plots = new WeakMap()

export default function render({ parentElement, data }) {
  let plot = plots.get(parentElement)
  if (!plot) {
    plot = new LivePlot(parentElement)
    plots.set(parentElement, plot)
  }
  plot.show(data)
  return atEnd(parentElement, () => {
    plot.end()
    plots.delete(parentElement)
  })
}

let library = null

/** Plotly, loaded once per page; a failed attempt is forgotten so that a later mount may try again. */
function loadPlotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = new URL("plotly.min.js" + search, import.meta.url)
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("plotly.min.js is not Plotly")))
    script.onerror = () => reject(new Error("plotly.min.js did not load"))
    document.head.append(script)
  }).catch(error => {
    library = null
    throw error
  })
  return library
}

class LivePlot {
  constructor(parent) {
    this.frame = document.createElement("div")
    this.frame.className = "mlp-plot"
    this.frame.setAttribute("role", "img")
    this.graph = document.createElement("div")
    this.graph.className = "mlp-plot-graph"
    this.frame.append(this.graph)
    parent.append(this.frame)
    this.drawn = 0
    this.styled = adoptStyles(parent, "live_plot.css")
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.frame)
    this.wake = () => this.schedule()
    document.addEventListener("visibilitychange", this.wake)
  }

  show({ figure, alt, height }) {
    this.frame.setAttribute("aria-label", alt)
    this.frame.style.height = `${height}px`
    this.height = height
    this.latest = figure
    this.waiting = true
    this.schedule()
  }

  /** Draws in the next animation frame; hidden pages have none, so updates there only replace `latest`. */
  schedule() {
    if (!this.waiting || this.request) return
    this.request = requestAnimationFrame(() => {
      this.request = 0
      this.draw()
    })
  }

  resize() {
    const width = this.frame.clientWidth
    if (width === this.width || width === 0) return
    this.waiting ||= this.latest !== undefined
    this.schedule()
  }

  async draw() {
    if (this.busy) return // the loop below takes the newest figure when it is done with this one
    this.busy = true
    try {
      const [Plotly] = await Promise.all([loadPlotly(), this.styled])
      while (this.waiting && !document.hidden && this.frame.clientWidth > 0) {
        this.waiting = false
        this.width = this.frame.clientWidth
        const { data, layout, config } = dressed(this.latest, this.frame, this.width, this.height)
        await Plotly.react(this.graph, data, layout, config)
        this.frame.dataset.drawn = ++this.drawn
        this.problem?.remove()
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.busy = false
    }
  }

  fail(error) {
    console.error("The chart could not be drawn:", error)
    this.waiting = false
    this.problem ??= document.createElement("p")
    this.problem.className = "mlp-plot-problem"
    const reason = window.Plotly ? "" : ": the drawing library did not load"
    this.problem.textContent = `This chart could not be drawn${reason}. Reload the page to try again.`
    this.frame.append(this.problem)
  }

  end() {
    this.observer.disconnect()
    document.removeEventListener("visibilitychange", this.wake)
    cancelAnimationFrame(this.request)
    window.Plotly?.purge(this.graph)
    this.frame.remove()
  }
}

/** The figure in the page's colours and size. Plotly writes into what it is given, so it gets a copy. */
function dressed(figure, element, width, height) {
  const { data, layout } = structuredClone(figure)
  const theme = themeOf(element)
  const still = layout.dragmode === false
  const ours = {
    width,
    height,
    autosize: false,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, size: 12, color: theme.muted },
    hoverlabel: {
      bgcolor: theme.raised,
      bordercolor: theme.border,
      font: { family: theme.font, size: 12, color: theme.text },
    },
    modebar: { bgcolor: theme.background, color: theme.line, activecolor: theme.primary },
    newshape: { line: { color: theme.muted } },
  }
  for (const name of Object.keys(layout)) {
    if (!/^[xy]axis\d*$/.test(name)) continue
    layout[name] = { gridcolor: theme.grid, zerolinecolor: theme.line, linecolor: theme.line, ...layout[name] }
    if (TOUCH) layout[name].fixedrange = true
  }
  return {
    data,
    layout: { ...ours, ...layout, ...(TOUCH ? { dragmode: false } : {}) },
    config: {
      displaylogo: false,
      displayModeBar: TOUCH ? false : "hover",
      modeBarButtons: still ? BUTTONS.picture : BUTTONS.all,
      doubleClick: "reset+autosize",
      showTips: false,
      typesetMath: false,
      toImageButtonOptions: { format: "png", scale: 2, filename: "chart" },
    },
  }
}
