// The network as a picture: neurons as tiles, weights as lines, both drawn on one canvas; what can be pressed are
// buttons above it, so that a keyboard and a screen reader find them.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, channels, make, pointAt, receive, watch } = await import("./shared.js" + search)

const HEAD = 58 // pixels above the first tile
const STEP = 88 // pixels between two columns at the least
const COMPACT = 116 // pixels between two columns below which a layer is removed by key or menu only
const NAMES = 76 // pixels for names beside the first and the last column
const ROOM = 352 // pixels that the tallest column may take
const TILE = 36 // pixels of a tile at the most
const LEVELS = 6 // widths of lines that are told apart
const NEAR = 6 // pixels around a line that count as on it

const pictures = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let picture = pictures.get(parentElement)
  if (!picture) {
    picture = new Picture(parentElement)
    pictures.set(parentElement, picture)
  }
  picture.act = done => setTriggerValue("act", done)
  if (data.structure) picture.build(data.structure)
  const deaf = receive(data, newest => picture.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    picture.end()
    pictures.delete(parentElement)
  })
}

/** Bytes in base64 as a typed array. */
function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  return new Kind(bytes.buffer)
}

/** Numbers of 16 bits as plain ones. */
function halves(words) {
  return Float32Array.from(words, word => {
    const exponent = (word >> 10) & 31
    const fraction = (word & 1023) / 1024
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction
    return word & 32768 ? -size : size
  })
}

/** A number in three digits. */
function short(value) {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(1).replace("-", "−")
  return String(Number(value.toPrecision(3))).replace("-", "−")
}

class Picture {
  constructor(parent) {
    this.frame = make("div", "mlp-network", parent)
    this.stage = make("div", "mlp-network-stage", this.frame)
    this.canvas = make("canvas", "", this.stage)
    this.layer = make("div", "", this.stage)
    this.layer.setAttribute("role", "grid")
    this.layer.setAttribute("aria-label", "Neurons of the network, a column for each layer")
    this.tip = make("div", "mlp-network-tip", this.stage)
    this.tip.hidden = true
    this.legend = make("div", "mlp-network-legend", parent)
    this.columns = []
    this.values = null
    this.hover = null // { column, neuron } or { column, neuron, input }
    this.pinned = false
    this.styled = adoptStyles(parent, "network.css")
    this.sizes = new ResizeObserver(() => this.place())
    this.sizes.observe(this.frame)
    this.sight = new IntersectionObserver(entries => {
      this.seen = entries.at(-1).isIntersecting
      this.ask()
    })
    this.sight.observe(this.frame)
    this.deaf = watch((name, value) => {
      if (name !== "point") return
      this.marked = value
      this.ask()
    })
    this.stage.addEventListener("pointermove", event => this.point(event))
    this.stage.addEventListener("pointerleave", () => this.rest())
    this.stage.addEventListener("click", event => this.press(event))
    this.stage.addEventListener("keydown", event => this.key(event))
  }

  // Structure

  build(structure) {
    const text = JSON.stringify(structure)
    if (text === this.built) return
    this.built = text
    this.structure = structure
    this.columns = structure.columns
    this.unpin()
    this.makeHeads()
    this.makeTiles()
    this.place()
  }

  makeHeads() {
    this.heads?.forEach(head => head.remove())
    this.adders?.forEach(adder => adder.remove())
    const last = this.columns.length - 1
    this.heads = this.columns.map((column, place) => this.makeHead(column, place, place === last))
    this.adders = this.columns.slice(1).map((column, place) => {
      const adder = make("button", "mlp-network-add", this.stage)
      adder.textContent = "+"
      adder.disabled = this.structure.locked
      adder.title = "Add a layer here"
      adder.setAttribute("aria-label", `Add a layer after ${this.columns[place].title}`)
      adder.onclick = () => this.act({ kind: "add", path: column.paths[0] })
      return adder
    })
  }

  makeHead(column, place, last) {
    const head = make("div", "mlp-network-head", this.stage)
    const title = make(place ? "button" : "div", "mlp-network-title", head)
    title.textContent = column.title
    const row = make("div", "mlp-network-width", head)
    const sized = column.link === "weights" && !last
    if (place) {
      title.title = `Edit ${column.title}`
      title.onclick = () => this.act({ kind: "select", path: column.paths[0] })
      title.addEventListener("keydown", event => {
        if (event.key === "Delete" && column.depth === 0 && !last && !this.structure.locked) {
          this.act({ kind: "remove", paths: column.paths })
        }
      })
      if (column.depth === 0 && !last && !this.structure.locked) this.drag(title, head, place)
    }
    const change = by => {
      const button = make("button", "", row)
      button.textContent = by < 0 ? "−" : "+"
      button.disabled = this.structure.locked || column.width + by < 1
      button.setAttribute("aria-label", `${by < 0 ? "One neuron fewer" : "One neuron more"} in ${column.title}`)
      button.onclick = () => this.act({ kind: "parameter", path: column.paths[0], name: "out_features", value: column.width + by })
    }
    if (sized) change(-1)
    make("output", "", row).textContent = column.width.toLocaleString("en")
    if (sized) change(1)
    if (place && !last && column.depth === 0) {
      const remove = make("button", "", row)
      remove.className = "mlp-network-remove"
      remove.textContent = "×"
      remove.title = "Remove"
      remove.disabled = this.structure.locked
      remove.setAttribute("aria-label", `Remove ${column.title}`)
      remove.onclick = () => this.act({ kind: "remove", paths: column.paths })
    }
    return head
  }

  /** Lets a column be dragged to another place, or moved there with Alt and an arrow key. */
  drag(title, head, place) {
    title.title += "; drag it to another place, or press Alt and an arrow key"
    const free = [...this.columns.keys()].filter(at => at > 0 && this.columns[at].depth === 0)
    const move = before => {
      const [from, to] = [this.columns[place].paths, this.columns[before]?.paths[0] ?? null]
      this.act({ kind: "move", paths: from, path: to })
    }
    title.addEventListener("keydown", event => {
      const step = event.altKey && { ArrowLeft: -1, ArrowRight: 2 }[event.key]
      if (!step) return
      event.preventDefault()
      const before = free[free.indexOf(place) + step]
      if (before !== undefined) move(before)
    })
    title.addEventListener("pointerdown", down => {
      if (down.button || down.pointerType === "touch") return
      const go = event => {
        if (!head.classList.contains("moving") && Math.abs(event.clientX - down.clientX) < 8) return
        head.classList.add("moving")
        head.style.left = `${this.x[place] + event.clientX - down.clientX}px`
      }
      const end = event => {
        removeEventListener("pointermove", go)
        removeEventListener("pointerup", end)
        if (!head.classList.contains("moving")) return
        head.classList.remove("moving")
        head.style.left = `${this.x[place]}px`
        title.addEventListener("click", click => click.stopImmediatePropagation(), { capture: true, once: true })
        const x = this.x[place] + event.clientX - down.clientX
        const before = free.find(at => this.x[at] > x)
        if (before !== undefined && before !== place && before !== free[free.indexOf(place) + 1]) move(before)
      }
      addEventListener("pointermove", go)
      addEventListener("pointerup", end)
    })
  }

  makeTiles() {
    this.layer.replaceChildren()
    this.tiles = this.columns.map((column, place) => {
      const group = make("div", "", this.layer)
      group.setAttribute("role", "row")
      group.setAttribute("aria-label", column.title)
      const shown = column.picture ? [0] : column.shown
      const tiles = shown.map((neuron, row) => {
        const tile = make("button", "mlp-network-tile", group)
        tile.setAttribute("role", "gridcell")
        tile.tabIndex = place === 0 && row === 0 ? 0 : -1
        tile.dataset.column = place
        tile.dataset.row = row
        tile.onfocus = () => !this.pinned && this.look({ column: place, neuron: row })
        tile.onblur = () => this.rest()
        if (column.names) {
          const name = make("span", "mlp-network-name", group)
          name.textContent = column.names[row]
          name.title = column.names[row]
          tile.nameTag = name
        }
        return tile
      })
      if (!column.picture && column.shown.length < column.width) {
        tiles.more = make("button", "mlp-network-more", group)
        const [first, last] = [column.shown[0] + 1, column.shown.at(-1) + 1]
        const which = last - first < column.shown.length ? `${first}–${last}` : `${column.shown.length}`
        tiles.more.textContent = `${which} of ${column.width.toLocaleString("en")} ›`
        tiles.more.title = column.next === null ? "Show some of all neurons" : "Show the next neurons"
        tiles.more.onclick = () => this.act({ kind: "show", column: place, first: column.next })
      }
      return tiles
    })
    this.name()
  }

  // Geometry

  place() {
    const { columns } = this
    const width = this.frame.clientWidth
    if (!width || !columns.length) return
    const last = columns.length - 1
    const left = columns[0].names || columns[0].picture ? NAMES : STEP / 2
    const right = columns[last].names ? NAMES : STEP / 2
    const span = Math.max(width - left - right, last * STEP)
    const most = Math.max(...columns.map(column => (column.picture ? 1 : column.shown.length)))
    const pitch = Math.min(TILE * 1.4, ROOM / most)
    this.side = Math.max(10, Math.min(TILE, pitch - 5))
    this.height = HEAD + Math.max(pitch * most, 120) + 22
    this.width = left + span + right
    this.stage.style.width = `${this.width}px`
    this.stage.style.height = `${this.height}px`
    this.x = columns.map((_, place) => left + (span * place) / Math.max(last, 1))
    const middle = HEAD + (this.height - HEAD - 22) / 2
    this.y = columns.map(column => {
      const count = column.picture ? 1 : column.shown.length
      return Array.from({ length: count }, (_, row) => middle + (row - (count - 1) / 2) * pitch)
    })
    const step = last ? span / last : span
    this.frame.classList.toggle("compact", step < COMPACT)
    this.heads.forEach((head, place) => {
      head.style.left = `${this.x[place]}px`
      head.style.maxWidth = `${Math.max(60, step - 26)}px`
    })
    this.adders.forEach((adder, place) => (adder.style.left = `${(this.x[place] + this.x[place + 1]) / 2}px`))
    this.tiles.forEach((tiles, place) => {
      const side = columns[place].picture ? 2 * TILE : this.side
      tiles.side = side
      tiles.forEach((tile, row) => {
        Object.assign(tile.style, {
          left: `${this.x[place] - side / 2}px`,
          top: `${this.y[place][row] - side / 2}px`,
          width: `${side}px`,
          height: `${side}px`,
        })
        if (!tile.nameTag) return
        const first = place === 0
        Object.assign(tile.nameTag.style, {
          left: first ? "0" : `${this.x[place] + side / 2 + 6}px`,
          width: `${NAMES - side / 2 - 8}px`,
          top: `${this.y[place][row] - 9}px`,
          textAlign: first ? "right" : "left",
        })
      })
      if (tiles.more) {
        tiles.more.style.left = `${this.x[place]}px`
        tiles.more.style.top = `${this.y[place].at(-1) + this.side / 2 + 4}px`
      }
    })
    const ratio = devicePixelRatio || 1
    this.canvas.width = Math.round(this.width * ratio)
    this.canvas.height = Math.round(this.height * ratio)
    this.canvas.style.width = `${this.width}px`
    this.canvas.style.height = `${this.height}px`
    this.ask()
  }

  // Values

  show({ values, of }) {
    const fits = values !== null && of === this.structure?.identity
    this.values = fits ? values.columns.map(column => this.decode(column)) : null
    if (values) {
      this.flipped = values.flipped
      if (JSON.stringify(values.colours) !== JSON.stringify(this.colours)) this.surface = ramp(values.colours)
      this.colours = values.colours
    }
    this.name()
    if (this.hover) this.tell()
    this.ask()
  }

  decode(column) {
    const scaled = name =>
      column[name] && halves(unpack(column[name], Uint16Array)).map(value => value * column[`${name}_scale`])
    return {
      ...column,
      maps: column.maps && unpack(column.maps, Int8Array),
      weights: scaled("weights"),
      gradients: scaled("gradients"),
    }
  }

  /** The names of the tiles for those who do not see them. */
  name() {
    this.tiles?.forEach((tiles, place) => {
      const column = this.columns[place]
      tiles.forEach((tile, row) => {
        const values = this.values?.[place]
        const range = values?.low ? `, answers ${short(values.low[row])} to ${short(values.high[row])}` : ""
        const name = column.picture ? "the image" : this.called(place, row)
        const label = `${column.title}, ${name}${range}`
        if (tile.getAttribute("aria-label") !== label) tile.setAttribute("aria-label", label)
      })
    })
  }

  called(place, row) {
    const column = this.columns[place]
    return column.names?.[row] ?? `neuron ${column.shown[row] + 1}`
  }

  // Drawing

  ask() {
    if (this.asked || !this.seen) return
    this.asked = requestAnimationFrame(() => {
      this.asked = 0
      this.draw()
    })
  }

  draw() {
    if (!this.x) return
    const began = performance.now()
    const pen = this.canvas.getContext("2d")
    const ratio = devicePixelRatio || 1
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, this.width, this.height)
    const style = getComputedStyle(this.frame)
    this.text = style.color
    this.colours ??= { positive: style.color, negative: style.color, middle: "#888" }
    for (let place = 1; place < this.columns.length; place++) this.drawLinks(pen, place)
    if (this.values) this.columns.forEach((_, place) => this.drawTiles(pen, place))
    this.frame.dataset.drawn = Number(this.frame.dataset.drawn ?? 0) + 1
    this.frame.dataset.milliseconds = (performance.now() - began).toFixed(1)
    this.drawLegend()
  }

  drawLinks(pen, place) {
    const column = this.columns[place]
    const rows = this.y[place].length
    const before = this.y[place - 1].length
    const from = this.x[place - 1] + this.tiles[place - 1].side / 2
    const to = this.x[place] - this.tiles[place].side / 2
    const bend = (to - from) * 0.45
    const line = (path, row, input) => {
      const [a, b] = [this.y[place - 1][input], this.y[place][row]]
      path.moveTo(from, a)
      path.bezierCurveTo(from + bend, a, to - bend, b, to, b)
    }
    const values = this.values?.[place]
    pen.lineCap = "round"
    if (values?.weights && !this.columns[place - 1].picture) {
      const peak = values.weights_scale || 1
      const paths = new Map()
      for (let row = 0; row < rows; row++) {
        for (let input = 0; input < before; input++) {
          const weight = values.weights[row * before + input] / peak
          const level = Math.ceil(Math.abs(weight) * LEVELS)
          if (!level) continue
          const faint = this.dims(place, row, input)
          const key = `${weight < 0 ? "negative" : "positive"} ${level} ${faint}`
          if (!paths.has(key)) paths.set(key, new Path2D())
          line(paths.get(key), row, input)
        }
      }
      for (const [key, path] of paths) {
        const [sign, level, faint] = key.split(" ")
        const share = level / LEVELS
        pen.strokeStyle = this.colours[sign]
        pen.globalAlpha = (faint === "true" ? 0.12 : 1) * (0.25 + 0.65 * share)
        pen.lineWidth = 0.4 + 3.4 * share
        pen.stroke(path)
      }
    } else {
      const path = new Path2D()
      for (let row = 0; row < rows; row++) {
        const single = column.link === "one to one" || column.link === "sum"
        for (let input = single ? Math.min(row, before - 1) : 0; input < before; input++) {
          line(path, row, input)
          if (single) break
        }
      }
      pen.strokeStyle = this.text
      pen.globalAlpha = column.link === "weights" ? 0.13 : 0.3
      pen.lineWidth = 0.8
      pen.stroke(path)
    }
    if (column.link === "sum") this.drawSkip(pen, column.skip, place)
    pen.globalAlpha = 1
  }

  /** The way around a residual block. */
  drawSkip(pen, from, to) {
    const low = this.height - 12
    const [a, b] = [this.y[from].at(-1), this.y[to].at(-1)]
    pen.beginPath()
    pen.setLineDash([4, 4])
    pen.moveTo(this.x[from], a + this.side / 2)
    pen.bezierCurveTo(this.x[from], low, this.x[to], low, this.x[to], b + this.side / 2)
    pen.strokeStyle = this.text
    pen.globalAlpha = 0.5
    pen.lineWidth = 1.4
    pen.stroke()
    pen.setLineDash([])
  }

  dims(place, row, input) {
    const seen = this.hover
    if (!seen) return false
    if (seen.input !== undefined) return !(seen.column === place && seen.neuron === row && seen.input === input)
    return !(seen.column === place && seen.neuron === row) && !(seen.column === place - 1 && seen.neuron === input)
  }

  drawTiles(pen, place) {
    const values = this.values[place]
    const side = this.tiles[place].side
    if (values.maps) {
      const sheet = this.paint(values, !this.isWeightImage(place))
      pen.imageSmoothingEnabled = values.height > 1
      this.y[place].forEach((y, row) => {
        const left = this.x[place] - side / 2
        pen.drawImage(sheet, 0, row * values.height, values.width, values.height, left, y - side / 2, side, side)
      })
    }
    if (this.marked && values.height > 1 && !this.isWeightImage(place)) this.drawCross(pen, place, side)
    const most = Math.max(...(values.biases ?? []).map(Math.abs)) || 1
    values.biases?.forEach((bias, row) => {
      const size = 3 + 5 * Math.sqrt(Math.abs(bias) / most)
      pen.fillStyle = this.colours[bias < 0 ? "negative" : "positive"]
      pen.fillRect(this.x[place] - side / 2 - size - 1, this.y[place][row] + side / 2 - size, size, size)
    })
  }

  /** Whether a column's maps are no answers over the plane. */
  isWeightImage(place) {
    return Boolean(this.columns[place - 1]?.picture)
  }

  /** The place that is pointed at in the output. */
  drawCross(pen, place, side) {
    const { x, y } = this.marked
    pen.strokeStyle = this.text
    pen.lineWidth = 1
    pen.beginPath()
    for (const middle of this.y[place]) {
      const [left, top] = [this.x[place] - side / 2, middle - side / 2]
      pen.moveTo(left + x * side, top)
      pen.lineTo(left + x * side, top + side)
      pen.moveTo(left, top + y * side)
      pen.lineTo(left + side, top + y * side)
    }
    pen.stroke()
  }

  /** The maps of a column's neurons, one below the other, on a canvas of their own. */
  paint(values, turns = true) {
    const { width, height, maps } = values
    const count = maps.length / (width * height)
    const sheet = new OffscreenCanvas(width, Math.max(1, height * count))
    const image = new ImageData(width, Math.max(1, height * count))
    const pixels = new Uint32Array(image.data.buffer)
    for (let tile = 0; tile < count; tile++) {
      for (let row = 0; row < height; row++) {
        const source = this.flipped && turns ? height - 1 - row : row
        for (let at = 0; at < width; at++) {
          pixels[(tile * height + row) * width + at] = this.surface[maps[(tile * height + source) * width + at] + 128]
        }
      }
    }
    sheet.getContext("2d").putImageData(image, 0, 0)
    return sheet
  }

  drawLegend() {
    const key = JSON.stringify(this.colours)
    if (this.legendKey === key) return
    this.legendKey = key
    const { positive, negative } = this.colours
    const line = colour => `<svg width="22" height="8"><path d="M1 4h20" stroke="${colour}" stroke-width="3"/></svg>`
    const box = colour => `<svg width="9" height="9"><path d="M0 0h9v9H0z" fill="${colour}"/></svg>`
    this.legend.innerHTML =
      `<span>${line(positive)}positive weight</span><span>${line(negative)}negative weight, thicker: larger</span>` +
      `<span>${box(positive)}${box(negative)}bias</span><span>tile: what the neuron answers</span>`
  }

  // Looking and pressing

  point(event) {
    if (this.pinned || event.pointerType === "touch") return
    const tile = event.target.closest?.(".mlp-network-tile")
    if (tile) return this.look({ column: Number(tile.dataset.column), neuron: Number(tile.dataset.row) })
    if (event.target !== this.stage && event.target !== this.layer) return this.rest()
    const edge = this.nearest(event)
    edge ? this.look(edge) : this.rest()
  }

  /** The weight whose line is under the pointer. */
  nearest(event) {
    const box = this.stage.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    for (let place = 1; place < this.columns.length; place++) {
      const from = this.x[place - 1] + this.tiles[place - 1].side / 2
      const to = this.x[place] - this.tiles[place].side / 2
      const values = this.values?.[place]
      if (x < from || x > to || !values?.weights || this.columns[place - 1].picture) continue
      const part = solve((x - from) / (to - from))
      const rise = part * part * (3 - 2 * part)
      const before = this.y[place - 1].length
      let best = null
      this.y[place].forEach((b, row) =>
        this.y[place - 1].forEach((a, input) => {
          const away = Math.abs(a + (b - a) * rise - y)
          const size = Math.abs(values.weights[row * before + input]) / (values.weights_scale || 1)
          if (away < NEAR && (!best || away - 3 * size < best.rank)) {
            best = { rank: away - 3 * size, column: place, neuron: row, input }
          }
        }),
      )
      if (best) return { column: best.column, neuron: best.neuron, input: best.input }
    }
    return null
  }

  look(at) {
    if (JSON.stringify(at) === JSON.stringify(this.hover)) return
    this.hover = at
    this.tell()
    this.ask()
  }

  rest() {
    if (this.pinned || !this.hover) return
    this.hover = null
    this.tip.hidden = true
    pointAt("neuron", null)
    this.ask()
  }

  press(event) {
    if (event.target.closest(".mlp-network-tip")) return
    const tile = event.target.closest(".mlp-network-tile")
    const at = tile
      ? { column: Number(tile.dataset.column), neuron: Number(tile.dataset.row) }
      : event.target === this.stage || event.target === this.layer
        ? this.nearest(event)
        : null
    this.unpin()
    if (!at || !this.values) return
    this.look(at)
    this.pin()
  }

  key(event) {
    if (event.key === "Escape" && this.pinned) {
      const { column, neuron } = this.hover
      this.unpin()
      this.tiles[column][neuron]?.focus()
      return
    }
    const tile = event.target.closest?.(".mlp-network-tile")
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key]
    if (!tile || !step) return
    event.preventDefault()
    const column = Number(tile.dataset.column) + step[0]
    const tiles = this.tiles[column]
    if (!tiles) return
    const row = Math.min(Math.max(Number(tile.dataset.row) + step[1], 0), tiles.length - 1)
    tile.tabIndex = -1
    tiles[row].tabIndex = 0
    tiles[row].focus()
  }

  /** What is known of the neuron or the weight that is looked at. */
  tell() {
    const { column: place, neuron, input } = this.hover
    const values = this.values?.[place]
    if (this.pinned) return this.refresh()
    this.tip.replaceChildren()
    this.tip.dataset.pinned = "false"
    const column = this.columns[place]
    const title = make("strong", "", this.tip)
    const says = text => (make("div", "", this.tip).textContent = text)
    if (input !== undefined) {
      const at = neuron * this.y[place - 1].length + input
      title.textContent = `${this.called(place - 1, input)} → ${this.called(place, neuron)}`
      says(`weight ${short(values?.weights?.[at])}`)
      says(`gradient ${values?.gradients ? short(values.gradients[at]) : "none yet: no step was done"}`)
      if (!this.structure.locked) says("press to set it")
    } else {
      title.textContent = column.picture ? "the image" : `${column.title}: ${this.called(place, neuron)}`
      if (values?.low) says(`answers ${short(values.low[neuron])} to ${short(values.high[neuron])}`)
      if (values?.biases?.[neuron] !== undefined) {
        const gradient = values.bias_gradients ? `, gradient ${short(values.bias_gradients[neuron])}` : ""
        says(`bias ${short(values.biases[neuron])}${gradient}`)
      }
      this.enlarge(place, neuron)
    }
    this.tip.hidden = false
    this.putTip()
  }

  enlarge(place, neuron) {
    const values = this.values?.[place]
    if (!values?.maps) return
    const { width, height } = values
    const large = make("canvas", "", this.tip)
    const square = height > 1
    large.width = 150
    large.height = square ? (150 * height) / width : 30
    const turns = !this.isWeightImage(place)
    const sheet = this.paint(values, turns)
    const pen = large.getContext("2d")
    pen.imageSmoothingEnabled = square
    pen.imageSmoothingQuality = "high"
    pen.drawImage(sheet, 0, neuron * height, width, height, 0, 0, large.width, large.height)
    if (square && turns) {
      const small = document.createElement("canvas")
      small.width = width
      small.height = height
      small.getContext("2d").drawImage(sheet, 0, -neuron * height)
      pointAt("neuron", small.toDataURL())
    }
  }

  putTip() {
    const { column, neuron, input } = this.hover
    const x = input === undefined ? this.x[column] : (this.x[column - 1] + this.x[column]) / 2
    const y = input === undefined ? this.y[column][neuron] : (this.y[column][neuron] + this.y[column - 1][input]) / 2
    const box = this.tip.getBoundingClientRect()
    const side = x + 30 + box.width < this.frame.scrollLeft + this.frame.clientWidth ? x + 30 : x - 30 - box.width
    this.tip.style.left = `${Math.max(0, side)}px`
    this.tip.style.top = `${Math.max(0, Math.min(y - box.height / 2, this.height - box.height))}px`
  }

  // Setting weights

  pin() {
    const { column: place, neuron, input } = this.hover
    const values = this.values?.[place]
    const locked = this.structure.locked || !values?.weights
    this.pinned = true
    this.describe(place, neuron, input)
    this.tip.dataset.pinned = "true"
    const close = make("button", "close", this.tip)
    close.textContent = "×"
    close.setAttribute("aria-label", "Close")
    close.onclick = () => {
      this.unpin()
      this.tiles[place][neuron]?.focus()
    }
    this.fields = []
    if (!locked && !this.columns[place - 1].picture) {
      const list = make("div", "inputs", this.tip)
      const before = this.y[place - 1].length
      const rows = input === undefined ? this.y[place - 1].map((_, row) => row) : [input]
      for (const row of rows) this.field(list, `from ${this.called(place - 1, row)}`, place, neuron, neuron * before + row, row)
      if (input === undefined && values.biases) this.field(list, "bias", place, neuron, neuron, null)
    }
    this.putTip()
    this.fields[0]?.focus()
    this.fields[0]?.select()
  }

  describe(place, neuron, input) {
    this.pinned = false
    this.tell()
    this.pinned = true
  }

  field(list, label, place, neuron, at, input) {
    const row = make("label", "", list)
    row.append(label)
    const field = make("input", "", row)
    field.inputMode = "decimal"
    field.now = () => (input === null ? this.values?.[place]?.biases?.[at] : this.values?.[place]?.weights?.[at])
    field.value = short(field.now())
    field.oninput = () => (field.typed = true)
    field.onchange = () => {
      field.typed = false
      const value = Number(field.value.replace("−", "-").replace(",", "."))
      if (field.value.trim() === "" || !Number.isFinite(value)) {
        field.value = short(field.now())
        return
      }
      const column = this.columns[place]
      const from = input === null ? null : this.columns[place - 1].shown[input]
      this.act({ kind: "weight", path: column.paths[0], row: column.shown[neuron], column: from, value })
    }
    this.fields.push(field)
  }

  /** New numbers in the fields of a pinned note, but not in one that is being typed into. */
  refresh() {
    for (const field of this.fields) {
      if (!field.typed && field.value !== short(field.now())) field.value = short(field.now())
    }
  }

  unpin() {
    pointAt("neuron", null)
    this.pinned = false
    this.hover = null
    this.tip.hidden = true
    this.ask()
  }

  end() {
    this.deaf()
    pointAt("neuron", null)
    this.sizes.disconnect()
    this.sight.disconnect()
    this.frame.remove()
    this.legend.remove()
  }
}

/** The colour of each of 255 levels from negative to positive, as the bytes of a pixel. */
function ramp({ positive, negative, middle }) {
  const [low, between, high] = [negative, middle, positive].map(channels)
  return Uint32Array.from({ length: 256 }, (_, at) => {
    const value = Math.max(-1, (at - 128) / 127)
    const end = value < 0 ? low : high
    const [red, green, blue] = between.map((channel, i) => Math.round(channel + (end[i] - channel) * Math.abs(value)))
    return (255 << 24) | (blue << 16) | (green << 8) | red
  })
}

/** Where on a line from 0 to 1 its x is this share of the way: the inverse of its Bézier polynomial. */
function solve(share) {
  let part = share
  for (let round = 0; round < 6; round++) {
    const rest = 1 - part
    const x = 3 * rest * rest * part * 0.45 + 3 * rest * part * part * 0.55 + part ** 3
    const slope = 3 * rest * rest * 0.45 + 6 * rest * part * 0.1 + 3 * part * part * 0.45
    part -= (x - share) / slope
  }
  return Math.min(1, Math.max(0, part))
}
