// One chart per mounted element. A canvas draws it (`quick_chart.js`) for as long as it is only looked at. Plotly takes
// over in place, updated in place too, where somebody points at the chart or goes to it by keyboard, where a part of it
// is to be pressed, and where the canvas cannot draw a figure. It keeps what was zoomed, moved or hidden.

const search = new URL(import.meta.url).search
// All at once: each of them asks for others, and a browser that asks for one after the other waits for each.
const [shared, dress, area, quick] = await Promise.all(
  [
    "./shared.js", "./chart_dress.js", "./smooth_area.js", "./quick_chart.js", "./chart_values.js", "./chart_axes.js",
    "./chart_traces.js", "./chart_legend.js", "./chart_scale.js",
  ].map(name => import(name + search)),
)
const { adoptStyles, atEnd, isDark, pointAt, receive, watch } = shared
const { TOUCH, dressed, legendBelow } = dress
const { smoothPicture } = area
const { canDraw, drawChart } = quick

/** How long the charts rest after each drawing, in lengths of that drawing. */
const REST = 1.5

/** Between two drawings by Plotly of a plane whose answers move, in milliseconds; the picture of them moves meanwhile. */
const WHOLE = 1000

/** How long a pointer rests on a chart before Plotly takes over, in milliseconds: not where it only passes. */
const INTENT = 120

/** How long Plotly stays after that, in milliseconds: a pointer that comes back finds the chart as it was. */
const AFTER = 1000

const plots = new WeakMap()
let described = 0 // charts, each with words of its own

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

/**
 * Plotly, loaded once per page and when it is wanted, and kept by the browser for a year: fetched ahead it would be half
 * of what a first visit loads. A failed attempt is forgotten so that a later one may succeed.
 */
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
    this.canvas = document.createElement("canvas")
    this.canvas.className = "mlp-plot-quick"
    this.canvas.setAttribute("aria-hidden", "true")
    this.frame.append(this.words, this.canvas)
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
    this.canvas.addEventListener("pointermove", event => this.point(event))
    this.frame.addEventListener("pointerleave", () => pointAt("point", null))
    this.attend()
  }

  // Who draws

  /** Follows whether somebody wants what Plotly alone can do. */
  attend() {
    this.fonts = () => this.again()
    document.fonts.addEventListener("loadingdone", this.fonts) // a canvas keeps the font it was drawn with
    const { frame } = this
    if (TOUCH) {
      frame.addEventListener("click", event => this.touch(event))
      return
    }
    frame.addEventListener("pointerenter", event => this.come(event))
    frame.addEventListener("pointermove", event => {
      this.pointer = event
      if (!this.wanted && !this.refused) this.come(event)
    })
    frame.addEventListener("pointerdown", event => this.press(event))
    frame.addEventListener("pointerleave", () => this.leave())
    // By keyboard, one comes to Plotly's tools through a button that stands in for them.
    this.door = document.createElement("button")
    this.door.type = "button"
    this.door.className = "mlp-plot-door"
    this.door.textContent = "Chart tools"
    this.words.id = `mlp-plot-words-${++described}`
    this.door.setAttribute("aria-describedby", this.words.id)
    this.door.addEventListener("focus", () => this.want())
    frame.append(this.door)
    frame.addEventListener("focusout", event => frame.contains(event.relatedTarget) || this.leave())
  }

  /** A pointer is over the chart. */
  come(event) {
    this.pointer = event
    if (event.type === "pointerenter") this.refused = false
    clearTimeout(this.going)
    this.coming ??= setTimeout(() => this.want(), INTENT)
  }

  press(event) {
    this.held = true // while somebody drags, Plotly lays a sheet over the page, and the pointer is on that
    if (!this.graph) this.pressed = event
    const end = () => {
      this.held = false
      this.pressed = undefined
      this.leave()
    }
    addEventListener("pointerup", end, { once: true })
    addEventListener("pointercancel", end, { once: true })
    this.want()
  }

  want() {
    clearTimeout(this.going)
    if (this.wanted) return
    this.wanted = true
    this.again()
  }

  leave() {
    clearTimeout(this.coming)
    clearTimeout(this.going)
    this.coming = undefined
    this.going = setTimeout(() => {
      if (this.held || this.frame.contains(this.frame.getRootNode().activeElement)) return
      if (this.frame.matches(":hover")) return this.leave() // on a touch screen until something else is touched
      this.wanted = false
      if (this.graph) this.again()
    }, AFTER)
  }

  /** A finger touches what the canvas shows. */
  touch(event) {
    if (this.graph) return
    this.pointer = this.pressed = this.tapped = event
    this.want()
    this.leave()
  }

  /** Tells Plotly, which was not there yet, where the pointer is and what it has pressed. */
  catchUp() {
    const { pressed, tapped } = this
    const at = pressed ?? this.pointer
    if (!at || !this.frame.matches(":hover")) return
    const { clientX, clientY } = at
    const target = this.frame.getRootNode().elementFromPoint(clientX, clientY)
    if (!target || !this.graph.contains(target)) return
    const happened = ["mousemove", ...(pressed ? ["mousedown"] : []), ...(tapped ? ["mouseup", "click"] : [])]
    for (const type of happened) {
      const buttons = type === "mousedown" ? 1 : 0
      target.dispatchEvent(
        new MouseEvent(type, { bubbles: true, cancelable: true, view: window, clientX, clientY, buttons }),
      )
    }
    this.pressed = this.tapped = undefined
  }

  /** Whether the canvas can show the newest figure, and all that may be done with it. */
  quick() {
    return this.drawable && !this.pick
  }

  /** Whether Plotly is to draw the newest figure, once it is there. */
  usesPlotly() {
    return Boolean(this.wanted || !this.quick() || this.changed())
  }

  /** Whether somebody has zoomed or moved the chart, has switched lines off, or has chosen another tool. */
  changed() {
    const full = this.graph?._fullLayout
    // Of the former figure where there is none any more, or where a newer one starts afresh.
    if (!full || this.latest.layout.uirevision !== full.uirevision) return (this.touched = false)
    if (this.latest.data.length) this.touched = isTouched(this.latest.layout, full, this.graph._fullData)
    return this.touched // an empty figure says nothing: the next one goes on as it was
  }

  // Plotly's pictures

  /** Lays a smooth picture of the answers over Plotly's own, which shows single cells. */
  soften() {
    const trace = this.latest?.data.find(one => one.meta?.smooth)
    const layer = this.graph?.querySelector(".heatmaplayer")
    let own = this.graph?.querySelector(".mlp-smooth")
    const { xaxis, yaxis } = this.graph?._fullLayout ?? {}
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
      picture.src = smoothPicture(trace)?.toDataURL() ?? ""
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
    if (!this.graph) return this.over()
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

  /** The same on the canvas, as soon as the neuron's picture is decoded. */
  async over() {
    const { neuron } = this
    let picture = null
    if (neuron) {
      picture = new Image()
      picture.src = neuron
      await picture.decode().catch(() => {})
      if (neuron !== this.neuron) return
    }
    this.picture = picture
    if (this.chart?.plane) this.again()
  }

  /** Tells the network's picture which place of the plane the pointer is over. */
  point(event) {
    if (!this.latest?.layout.meta?.plane || event.pointerType === "touch") return
    const box = this.planeBox()
    if (!box) return
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
    pointAt("point", x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null)
  }

  /** Where the answers over the plane are on the screen. */
  planeBox() {
    if (this.graph) return this.graph.querySelector(".heatmaplayer image")?.getBoundingClientRect()
    const plane = this.chart?.plane
    if (!plane) return null
    const { left, top } = this.canvas.getBoundingClientRect()
    return { left: left + plane.left, top: top + plane.top, width: plane.width, height: plane.height }
  }

  // Figures

  show({ figure, alt, height, pick }, setTriggerValue) {
    this.pick = pick && (place => setTriggerValue("pick", place))
    this.words.setAttribute("aria-label", alt)
    if (this.door && !this.graph) this.door.hidden = figure.data.length === 0
    this.height = height
    if (!this.drawn) this.frame.style.height = `${height + legendBelow(figure, this.frame.clientWidth)}px`
    const text = JSON.stringify(figure)
    const same = text === this.sent
    this.sent = text
    this.latest = this.frame.figure = figure // to be found on the page, as a graph of Plotly has its data
    if (!same) this.drawable = canDraw(figure)
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
    if (!this.waiting || !this.seen) return
    if (this.usesPlotly() && !window.Plotly) {
      this.fetch()
      if (!this.quick()) return
    }
    takeTurns(this)
  }

  /** Has Plotly loaded; meanwhile the other charts move, and this one where it can. */
  fetch() {
    this.fetching ??= loadPlotly()
      .then(
        () => this.again(),
        error => this.fail(error),
      )
      .finally(() => (this.fetching = undefined))
  }

  again() {
    this.waiting ||= this.latest !== undefined
    this.schedule()
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame
    if (width === 0 || (width === this.width && height === this.drawnHeight)) return
    this.again()
  }

  /** Draws the newest figure; the ones that came while others had their turn were never drawn. */
  async draw() {
    try {
      await this.styled
      if (!this.waiting || !this.seen || this.ended || this.frame.clientWidth === 0) return
      const plotly = Boolean(window.Plotly) && this.usesPlotly()
      if (!plotly && !this.quick()) return
      this.waiting = false
      if (this.graph && plotly && this.drawPicture()) return
      this.width = this.frame.clientWidth
      this.frame.style.height = `${this.height + legendBelow(this.latest, this.width)}px`
      this.drawnHeight = this.frame.clientHeight || this.height // a style sheet may give another one
      if (plotly) await this.drawWithPlotly()
      else this.drawQuickly()
      this.frame.dataset.drawn = ++this.drawn
      this.problem?.remove()
      this.problem = undefined
    } catch (error) {
      this.fail(error)
    }
  }

  drawQuickly() {
    this.dismiss()
    const figure = dressed(this.latest, this.frame, this.width, this.drawnHeight)
    const size = { width: this.width, height: this.drawnHeight, over: this.picture }
    this.chart = drawChart(this.canvas, figure, size)
    this.canvas.toggleAttribute("data-neuron", Boolean(this.picture && this.chart.plane))
  }

  async drawWithPlotly() {
    const graph = this.graph ?? document.createElement("div")
    if (!this.graph) {
      graph.className = "mlp-plot-graph"
      graph.addEventListener("pointermove", event => this.point(event))
      this.frame.append(graph)
    }
    const { data, layout, config } = dressed(structuredClone(this.latest), this.frame, this.width, this.drawnHeight)
    await window.Plotly.react(graph, data, layout, config)
    if (!this.graph) {
      this.graph = graph
      this.canvas.hidden = true
      if (this.door) this.pass()
      this.catchUp()
    }
    graph.querySelectorAll(".main-svg").forEach(svg => svg.setAttribute("aria-hidden", "true"))
    this.listen()
    this.soften()
    this.lay()
    this.still = stillOf(this.latest)
    this.whole = performance.now()
  }

  /** Hands the keyboard on to the first of Plotly's tools. */
  pass() {
    const within = this.frame.getRootNode().activeElement === this.door
    this.door.hidden = true
    if (within) this.graph.querySelector(".modebar-btn")?.focus()
  }

  /** The canvas draws again. */
  dismiss() {
    if (!this.graph) return
    clearTimeout(this.later)
    this.later = undefined
    window.Plotly?.purge(this.graph)
    this.graph.remove()
    this.graph = undefined
    this.follows = this.listens = false
    this.canvas.hidden = false
    if (this.door) this.door.hidden = this.latest.data.length === 0
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

  /** Tells Python which cell of a heat map is pressed, or the name that a point has, where it wants to know. */
  listen() {
    if (!this.follows && this.latest.layout.meta?.plane) {
      this.follows = true
      this.graph.on("plotly_afterplot", () => this.soften()) // a zoom moves the picture
    }
    if (this.listens || !this.pick) return
    this.listens = true
    this.frame.classList.add("mlp-plot-picks")
    this.graph.on("plotly_click", ({ points: [{ id, pointIndex, pointNumber }] }) =>
      this.pick?.(id ?? pointIndex ?? pointNumber),
    )
  }

  fail(error) {
    console.error("The chart could not be drawn:", error)
    if (!window.Plotly && this.quick()) {
      // The chart is there, and only its tools did not come.
      this.refused = true
      this.wanted = false
      return
    }
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
    document.fonts.removeEventListener("loadingdone", this.fonts)
    this.ended = true
    clearTimeout(this.later)
    clearTimeout(this.coming)
    clearTimeout(this.going)
    this.deaf()
    if (this.graph) window.Plotly?.purge(this.graph)
    this.frame.remove()
  }
}

/** Whether ranges, lines or the tool are others than a layout gives. */
function isTouched(layout, full, traces) {
  if (!TOUCH && (layout.dragmode ?? "zoom") !== full.dragmode) return true
  if (traces.some(trace => trace.visible === "legendonly")) return true
  return Object.keys(layout).some(name => {
    const { autorange, range } = full[name] ?? {}
    if (!/^[xy]axis\d*$/.test(name) || !range || layout[name].visible === false) return false
    const given = layout[name].range
    if (!given) return !autorange
    return given.some((end, at) => Math.abs(end - range[at]) > 1e-6 * Math.abs(given[1] - given[0]))
  })
}

/** What stays of a plane's figure while its answers move, as text; null for other figures. */
function stillOf({ data, layout }) {
  if (!data.some(one => one.meta?.smooth)) return null
  const stays = data.filter(one => !one.meta?.smooth && one.uid !== "wrong")
  return JSON.stringify([layout, stays, data.map(one => one.uid)])
}
