// One Plotly graph per mounted element, updated in place: zoom, pan and hidden legend entries survive.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, isDark, themeOf } = await import("./shared.js" + search)

const BUTTONS = {
  all: [["zoom2d", "pan2d"], ["resetScale2d"], ["toImage"]],
  picture: [["toImage"]],
}
// A drag on a touch screen scrolls the page; charts must not catch it.
const TOUCH = matchMedia("(pointer: coarse)").matches

const plots = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let plot = plots.get(parentElement)
  if (!plot) {
    plot = new LivePlot(parentElement)
    plots.set(parentElement, plot)
  }
  plot.show(data, setTriggerValue)
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
    // The picture in words, beside the graph and not around it: an image may not contain buttons.
    this.words = document.createElement("div")
    this.words.className = "mlp-plot-words"
    this.words.setAttribute("role", "img")
    this.graph = document.createElement("div")
    this.graph.className = "mlp-plot-graph"
    this.frame.append(this.words, this.graph)
    parent.append(this.frame)
    this.drawn = 0
    this.styled = adoptStyles(parent, "live_plot.css")
    this.sizes = new ResizeObserver(() => this.resize())
    this.sizes.observe(this.frame)
    // Charts that nobody sees (below the fold, behind another tab) keep their newest figure and draw nothing.
    this.sight = new IntersectionObserver(
      entries => {
        this.seen = entries.at(-1).isIntersecting
        this.schedule()
      },
      { rootMargin: "200px" },
    )
    this.sight.observe(this.frame)
  }

  show({ figure, alt, height }, setTriggerValue) {
    this.words.setAttribute("aria-label", alt)
    this.frame.style.height = `${height}px`
    this.height = height
    this.latest = figure
    this.waiting = true
    this.schedule()
    this.askForTheme(setTriggerValue)
  }

  /** Has Python run again, once, when the figure has the data colours of the other theme. */
  askForTheme(setTriggerValue) {
    const drawn = this.latest.layout.meta?.theme
    const shown = isDark(this.frame) ? "dark" : "light"
    if (drawn === undefined || drawn === shown) this.asked = undefined
    else if (this.asked !== shown) setTriggerValue("theme", (this.asked = shown))
  }

  /** Draws in the next animation frame; hidden pages have none, so updates there only replace `latest`. */
  schedule() {
    if (!this.waiting || !this.seen || this.request) return
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
      while (this.waiting && this.seen && this.frame.clientWidth > 0) {
        this.waiting = false
        this.width = this.frame.clientWidth
        const { data, layout, config } = dressed(this.latest, this.frame, this.width, this.height)
        await Plotly.react(this.graph, data, layout, config)
        this.graph.querySelectorAll(".main-svg").forEach(svg => svg.setAttribute("aria-hidden", "true"))
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
    this.sizes.disconnect()
    this.sight.disconnect()
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
