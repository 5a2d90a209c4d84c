// One Plotly graph per mounted element, updated in place: zoom, pan and hidden legend entries survive.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, isDark, pointAt, receive, themeOf, watch } = await import("./shared.js" + search)
const { smoothPicture } = await import("./smooth_area.js" + search)

const BUTTONS = {
  all: [["zoom2d", "pan2d"], ["resetScale2d"], ["toImage"]],
  picture: [["toImage"]],
  space: [["resetCameraDefault3d"], ["toImage"]],
}
// A drag on a touch screen scrolls the page; charts must not catch it.
const TOUCH = matchMedia("(pointer: coarse)").matches

/** How long the charts rest after each drawing, in lengths of that drawing. */
const REST = 1.5

/** Below this width in pixels a legend stands under its chart. */
const NARROW = 480
/** The height of an entry of it, in pixels. */
const LEGEND_ROW = 20

/** Between two drawings by Plotly of a plane whose answers move, in milliseconds; the picture of them moves meanwhile. */
const WHOLE = 1000

const plots = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let plot = plots.get(parentElement)
  if (!plot) {
    plot = new LivePlot(parentElement)
    plots.set(parentElement, plot)
  }
  const deaf = receive(data, newest => plot.show(newest, setTriggerValue))
  return atEnd(parentElement, () => {
    deaf()
    plot.end()
    plots.delete(parentElement)
  })
}

let library = null
const address = new URL("plotly.min.js" + search, import.meta.url)

// Fetched while the page is still being put together, and run when the first chart is to be drawn.
document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "script", href: address }))

/** Plotly, loaded once per page; a failed attempt is forgotten so that a later mount may try again. */
function loadPlotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = address
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("plotly.min.js is not Plotly")))
    script.onerror = () => reject(new Error("plotly.min.js did not load"))
    document.head.append(script)
  }).catch(error => {
    library = null
    throw error
  })
  return library
}

const turns = new Set()
let someoneDraws = false

/**
 * Charts draw one after the other, each in an animation frame of its own (hidden pages have none), and the page has
 * time for the user in between: on a slow machine charts move less often, and a press is answered all the same.
 */
async function takeTurns(plot) {
  turns.add(plot)
  if (someoneDraws) return
  someoneDraws = true
  for (const next of turns) {
    await new Promise(requestAnimationFrame)
    turns.delete(next) // so that a newer figure puts it at the end of the line
    const first = next.drawn === 0
    const began = performance.now()
    await next.draw()
    if (!first) await new Promise(done => setTimeout(done, REST * (performance.now() - began)))
  }
  someoneDraws = false
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
    this.neuron = null
    this.deaf = watch((name, value) => {
      if (name !== "neuron") return
      this.neuron = value
      this.lay()
    })
    this.graph.addEventListener("pointermove", event => this.point(event))
    this.graph.addEventListener("pointerleave", () => pointAt("point", null))
  }

  /** Lays a smooth picture of the answers over Plotly's own, which shows single cells. */
  soften() {
    const trace = this.latest?.data.find(one => one.meta?.smooth)
    const layer = this.graph.querySelector(".heatmaplayer")
    let own = this.graph.querySelector(".mlp-smooth")
    const { xaxis, yaxis } = this.graph._fullLayout ?? {}
    if (!trace || !layer?.querySelector("image") || !xaxis) return own?.remove()
    if (!own) {
      own = document.createElementNS("http://www.w3.org/2000/svg", "image")
      own.classList.add("mlp-smooth")
      own.setAttribute("preserveAspectRatio", "none")
    }
    // Not inside: Plotly takes every image there for one of its own. It moves its layers when it draws.
    if (own.previousElementSibling !== layer) layer.after(own)
    if (own.of !== trace) {
      own.of = trace
      const picture = new Image()
      picture.src = smoothPicture(trace)
      // A picture that is not decoded yet would leave the place empty for a moment.
      picture.decode().then(() => own.setAttribute("href", picture.src), () => {})
    }
    const [rows, columns] = trace.z.shape.split(",").map(Number)
    const [left, right] = [-0.5, columns - 0.5].map(at => xaxis.c2p(trace.x0 + at * trace.dx))
    const [bottom, top] = [-0.5, rows - 0.5].map(at => yaxis.c2p(trace.y0 + at * trace.dy))
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) {
      own.setAttribute(name, value)
    }
  }

  /** Lays the answers of the neuron that is pointed at over those of the network, under the points. */
  lay() {
    if (!this.latest?.layout.meta?.plane) return
    const image = this.graph.querySelector(".heatmaplayer image")
    let own = this.graph.querySelector(".mlp-neuron")
    if (!this.neuron || !image) return own?.remove()
    if (!own) {
      own = image.cloneNode()
      own.classList.add("mlp-neuron")
    }
    for (const name of ["x", "y", "width", "height"]) own.setAttribute(name, image.getAttribute(name))
    own.setAttribute("preserveAspectRatio", "none")
    own.setAttribute("href", this.neuron)
    own.removeAttribute("xlink:href")
    own.style.imageRendering = "auto"
    own.style.opacity = 0.75
    const below = this.graph.querySelector(".mlp-smooth") ?? image.closest(".heatmaplayer")
    below.after(own) // not inside: Plotly takes every image there for one of its own
  }

  /** Tells the network's picture which place of the plane the pointer is over. */
  point(event) {
    if (!this.latest?.layout.meta?.plane || event.pointerType === "touch") return
    const box = this.graph.querySelector(".heatmaplayer image")?.getBoundingClientRect()
    if (!box) return
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
    pointAt("point", x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null)
  }

  show({ figure, alt, height, pick }, setTriggerValue) {
    this.pick = pick && (place => setTriggerValue("pick", place))
    this.words.setAttribute("aria-label", alt)
    this.height = height
    this.frame.style.height = `${height + legendBelow(figure, this.frame.clientWidth)}px`
    const same = JSON.stringify(figure) === this.sent
    this.sent = JSON.stringify(figure)
    this.latest = figure
    this.waiting ||= !same || isDark(this.frame) !== this.dark
    this.dark = isDark(this.frame)
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

  schedule() {
    if (this.waiting && this.seen) takeTurns(this)
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame
    if (width === 0 || (width === this.width && height === this.drawnHeight)) return
    this.waiting ||= this.latest !== undefined
    this.schedule()
  }

  /** Draws the newest figure; the ones that came while others had their turn were never drawn. */
  async draw() {
    try {
      const [Plotly] = await Promise.all([loadPlotly(), this.styled])
      if (!this.waiting || !this.seen || this.ended || this.frame.clientWidth === 0) return
      this.waiting = false
      if (this.drawPicture()) return
      this.width = this.frame.clientWidth
      this.frame.style.height = `${this.height + legendBelow(this.latest, this.width)}px`
      this.drawnHeight = this.frame.clientHeight || this.height // a style sheet may give another one
      const { data, layout, config } = dressed(this.latest, this.frame, this.width, this.drawnHeight)
      await Plotly.react(this.graph, data, layout, config)
      this.graph.querySelectorAll(".main-svg").forEach(svg => svg.setAttribute("aria-hidden", "true"))
      this.listen()
      this.soften()
      this.lay()
      this.still = stillOf(this.latest)
      this.whole = performance.now()
      this.frame.dataset.drawn = ++this.drawn
      this.problem?.remove()
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Draws the answers over the plane alone, where nothing else has changed: that is many times faster. Plotly draws the
   * whole once a second, and once more at the end.
   */
  drawPicture() {
    const { clientWidth, clientHeight } = this.frame
    const same = clientWidth === this.width && clientHeight === this.drawnHeight && this.drawnDark === this.dark
    const left = WHOLE - (performance.now() - this.whole)
    if (!same || !(left > 0) || !this.still || stillOf(this.latest) !== this.still) {
      this.drawnDark = this.dark
      return false
    }
    this.soften()
    this.frame.dataset.drawn = ++this.drawn
    this.later ??= setTimeout(() => {
      this.later = undefined
      this.whole = 0
      this.waiting = true
      this.schedule()
    }, left)
    return true
  }

  /** Tells Python which cell of a heat map is pressed, where it wants to know. */
  listen() {
    if (!this.follows && this.latest.layout.meta?.plane) {
      this.follows = true
      this.graph.on("plotly_afterplot", () => this.soften()) // a zoom moves the picture
    }
    if (this.listens || !this.pick) return
    this.listens = true
    this.frame.classList.add("mlp-plot-picks")
    this.graph.on("plotly_click", ({ points }) => this.pick?.(points[0].pointIndex ?? points[0].pointNumber))
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
    this.ended = true
    clearTimeout(this.later)
    this.deaf()
    window.Plotly?.purge(this.graph)
    this.frame.remove()
  }
}

/** What stays of a plane's figure while its answers move, as text; null for other figures. */
function stillOf({ data, layout }) {
  if (!data.some(one => one.meta?.smooth)) return null
  const stays = data.filter(one => !one.meta?.smooth && one.uid !== "wrong")
  return JSON.stringify([layout, stays, data.map(one => one.uid)])
}

/** How high a legend is, in pixels, that stands under its chart because a narrow one has no room beside it; else 0. */
function legendBelow({ data, layout }, width) {
  if (layout.legend?.orientation !== "v" || width >= NARROW) return 0
  const entries = data.filter(one => one.name && one.showlegend !== false).length
  return LEGEND_ROW * (entries + (layout.legend.title ? 1 : 0))
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
  const below = legendBelow(figure, width)
  if (below) layout.legend = { ...layout.legend, x: 0, y: -60 / (height - below - 70), yanchor: "top", maxheight: below }
  if (layout.scene) {
    for (const name of ["xaxis", "yaxis", "zaxis"]) {
      const quiet = { color: theme.muted, gridcolor: theme.grid, zerolinecolor: theme.grid, showbackground: false, showspikes: false }
      layout.scene[name] = { ...quiet, ...layout.scene[name] }
    }
  }
  return {
    data,
    layout: { ...ours, ...layout, ...(TOUCH ? { dragmode: false } : {}) },
    config: {
      displaylogo: false,
      displayModeBar: TOUCH ? false : "hover",
      modeBarButtons: still ? BUTTONS.picture : layout.scene ? BUTTONS.space : BUTTONS.all,
      doubleClick: "reset+autosize",
      showTips: false,
      typesetMath: false,
      toImageButtonOptions: { format: "png", scale: 2, filename: "chart" },
    },
  }
}
