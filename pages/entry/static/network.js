// The network as a picture: neurons as tiles, weights as lines, both drawn on one canvas; what can be pressed are
// buttons above it, so that a keyboard and a screen reader find them.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, watch } = await import("./shared.js" + search)
const [{ Columns, button }, { Drawing }, { COMPACT, lay, nearest }, { Notes }, { decode, short }] = await Promise.all(
  [
    "./network_columns.js", "./network_drawing.js", "./network_geometry.js", "./network_notes.js", "./network_values.js",
  ].map(name => import(name + search)),
)

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }

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

class Picture {
  constructor(parent) {
    this.frame = make("div", "mlp-network", parent)
    this.stage = make("div", "mlp-network-stage", this.frame)
    const canvas = make("canvas", "", this.stage)
    this.grid = make("div", "", this.stage)
    this.grid.setAttribute("role", "grid")
    this.grid.setAttribute("aria-label", "Neurons of the network, a row for each layer")
    this.loss = make("div", "mlp-network-loss", this.stage)
    this.legend = make("div", "mlp-network-legend", parent)
    this.drawing = new Drawing(canvas, this.legend)
    this.notes = new Notes(this, parent)
    const [act, open, choose] = [done => this.act(done), at => this.notes.settings(at), () => this.notes.inputs()]
    this.heads = new Columns(this.stage, act, open, choose)
    this.columns = []
    this.values = null
    this.drawn = 0
    adoptStyles(parent, "network.css")
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
    this.stage.addEventListener("pointerleave", () => this.notes.rest())
    this.stage.addEventListener("click", event => this.press(event))
    this.stage.addEventListener("keydown", event => this.key(event))
    this.outside = event => this.notes.pinned && !event.composedPath().includes(this.frame.parentNode) && this.notes.hide()
    document.addEventListener("pointerdown", this.outside)
  }

  // Structure

  build(structure) {
    const text = JSON.stringify(structure)
    if (text === this.built) return this.notes.refresh() // a value that was refused is as it was
    const same = this.structure?.identity === structure.identity
    const active = this.stage.getRootNode().activeElement?.dataset.key
    const focused = active && (this.heads.moved ?? active)
    this.heads.moved = null
    this.built = text
    this.structure = structure
    this.columns = structure.columns
    if (!same) this.values = null
    if (structure.columns.length !== this.heads.columns?.length) this.heads.forget()
    this.heads.build(structure)
    this.makeTiles()
    this.place()
    this.notes.rebuilt(same)
    if (focused) this.focus(focused)
  }

  /** Focuses what has this key now, if something has. */
  focus(key) {
    const root = this.stage.getRootNode()
    const found = [...root.querySelectorAll("[data-key]")].find(({ dataset, disabled }) => dataset.key === key && !disabled)
    if (found && root.activeElement !== found) found.focus({ preventScroll: true })
  }

  makeTiles() {
    for (const old of this.beside ?? []) old.remove()
    this.grid.replaceChildren()
    this.beside = []
    this.tiles = this.columns.map((column, place) => {
      const row = make("div", "", this.grid)
      row.setAttribute("role", "row")
      row.setAttribute("aria-label", column.name)
      return (column.picture ? [0] : column.shown).map((neuron, number) => this.tile(row, column, place, number))
    })
    this.folds = this.columns.map((column, place) => this.fold(column, place))
    this.bars = this.columns.map((_, place) => (place ? this.bar(place) : null))
    this.name()
  }

  tile(row, column, place, number) {
    const open = () => this.notes.pin({ column: place, neuron: number }, `tile ${place} ${number}`)
    const tile = button(row, "mlp-network-tile", `tile ${place} ${number}`, "", "", open)
    tile.setAttribute("role", "gridcell")
    tile.tabIndex = place === 0 && number === 0 ? 0 : -1
    tile.dataset.column = place
    tile.dataset.row = number
    tile.onfocus = () => this.notes.look({ column: place, neuron: number })
    tile.onblur = () => this.notes.rest()
    if (column.names) {
      tile.nameTag = make("span", "mlp-network-name", this.stage)
      tile.nameTag.textContent = tile.nameTag.title = column.names[number]
      tile.nameTag.setAttribute("aria-hidden", "true") // the tile says it
      this.beside.push(tile.nameTag)
    }
    return tile
  }

  fold(column, place) {
    if (!column.folds) return null
    const [first, last] = [column.shown[0] + 1, column.shown.at(-1) + 1]
    const which = last - first < column.shown.length ? `${first}–${last}` : `${column.shown.length}`
    const width = column.width.toLocaleString("en")
    const text = column.shown.length < column.width ? `${which} of ${width} ▾` : `all ${width} ▾`
    const made = button(this.stage, "mlp-network-more", `fold ${place}`, text, "", () => this.notes.fold(place))
    made.title = "Choose which neurons are shown"
    made.setAttribute("aria-haspopup", "dialog")
    this.beside.push(made)
    return made
  }

  /** The health of a column's layers. */
  bar(place) {
    const made = make("div", "mlp-network-health", this.stage)
    made.hidden = true
    made.dataset.place = place
    this.beside.push(made)
    return made
  }

  place() {
    const width = this.frame.clientWidth
    if (!width || !this.columns.length) return
    const layout = (this.layout = lay(this.columns, width))
    const { x, y, sides, names, middle } = layout
    this.stage.style.width = `${layout.width}px`
    this.stage.style.height = `${layout.height}px`
    this.frame.classList.toggle("compact", layout.step < COMPACT)
    this.frame.classList.toggle("tall", layout.tall)
    this.heads.put(layout)
    this.tiles.forEach((tiles, place) =>
      tiles.forEach((tile, row) => {
        const side = sides[place]
        const [left, top] = [x[place] - side / 2, y[place][row] - side / 2]
        Object.assign(tile.style, { left: `${left}px`, top: `${top}px`, width: `${side}px`, height: `${side}px` })
        if (!tile.nameTag) return
        tile.nameTag.style.left = place ? `${x[place] + side / 2 + 5}px` : "1px"
        tile.nameTag.style.width = `${names[place ? 1 : 0] - side / 2 - 6}px`
        tile.nameTag.style.top = `${y[place][row] - 9}px`
        tile.nameTag.style.textAlign = place ? "left" : "right"
      }),
    )
    this.folds.forEach((fold, place) => fold && stand(fold, x[place], y[place].at(-1) + sides[place] / 2 + 3))
    this.bars.forEach((bar, place) => {
      if (!bar) return
      bar.style.width = `${sides[place] + 14}px`
      stand(bar, x[place], y[place].at(-1) + sides[place] / 2 + (this.folds[place] ? 20 : 7))
    })
    Object.assign(this.loss.style, { left: `${layout.lossLeft}px`, width: `${layout.lossWidth}px`, top: `${middle}px` })
    this.loss.hidden = !layout.lossWidth
    this.drawing.fit(layout)
    if (this.notes.at) this.notes.put()
    this.ask()
  }

  // Values

  show({ values, of, losses, health }) {
    const fits = values !== null && of === this.structure?.identity
    this.values = fits ? decode(values, this.columns.length) : null
    if (values) {
      this.flipped = values.flipped
      this.steps = values.steps
      this.drawing.paintWith(values.colours)
    }
    this.losses = losses
    this.showLoss()
    this.showHealth(fits ? health : null)
    this.name()
    this.notes.refresh()
    this.ask()
  }

  showLoss() {
    const { loss } = this.structure ?? {}
    const lines = [["name", loss ?? "Loss"], ...Object.entries(this.losses ?? {})]
    const text = JSON.stringify(lines)
    if (text === this.lossText) return
    this.lossText = text
    this.loss.replaceChildren(
      ...lines.map(([part, value]) => {
        const line = document.createElement("div")
        line.className = part
        line.textContent = part === "name" ? value : `${part} ${value}`
        return line
      }),
    )
  }

  showHealth(health) {
    this.bars?.forEach((bar, place) => {
      if (!bar) return
      const found = health?.[place]
      bar.hidden = !found
      if (!found) return
      bar.dataset.level = found.level
      bar.textContent = { good: "", warning: "!", bad: "✕" }[found.level] ?? "!"
      bar.title = found.sentence
      bar.setAttribute("role", "img")
      bar.setAttribute("aria-label", `Health of ${this.columns[place].name}: ${found.sentence}`)
    })
  }

  /** The names of the tiles for those who do not see them. */
  name() {
    this.tiles?.forEach((tiles, place) => {
      const column = this.columns[place]
      tiles.forEach((tile, row) => {
        const values = this.values?.[place]
        const range = values?.low ? `, puts out ${short(values.low[row], 2)} to ${short(values.high[row], 2)}` : ""
        const label = `${column.name}, ${column.picture ? "the image" : this.called(place, row)}${range}`
        if (tile.getAttribute("aria-label") !== label) tile.setAttribute("aria-label", label)
      })
    })
  }

  called(place, row) {
    const column = this.columns[place]
    return column.names?.[row] ?? `neuron ${column.shown[row] + 1}`
  }

  ask() {
    if (this.asked || !this.seen) return
    this.asked = requestAnimationFrame(() => {
      this.asked = 0
      if (this.layout) this.draw()
    })
  }

  draw() {
    const began = performance.now()
    this.drawing.draw({
      columns: this.columns,
      values: this.values,
      flipped: this.flipped,
      hover: this.notes.at,
      marked: this.marked,
      text: getComputedStyle(this.frame).color,
    })
    this.frame.dataset.drawn = ++this.drawn
    this.frame.dataset.milliseconds = (performance.now() - began).toFixed(1)
  }

  // Looking and pressing

  point(event) {
    if (this.notes.pinned || event.pointerType === "touch") return
    const at = this.under(event)
    at ? this.notes.look(at) : this.notes.rest()
  }

  /** The neuron or weight under the pointer. */
  under(event) {
    const tile = event.target.closest?.(".mlp-network-tile")
    if (tile) return { column: Number(tile.dataset.column), neuron: Number(tile.dataset.row) }
    if (event.target !== this.stage && event.target !== this.grid) return null
    const box = this.stage.getBoundingClientRect()
    return nearest(this.layout, this.values, event.clientX - box.left, event.clientY - box.top)
  }

  press(event) {
    if (event.target !== this.stage && event.target !== this.grid) return
    const at = this.under(event)
    this.notes.hide()
    if (at) this.notes.pin(at, null)
  }

  key(event) {
    const tile = event.target.closest?.(".mlp-network-tile")
    const step = ARROWS[event.key]
    if (!tile || !step) return
    event.preventDefault()
    const tiles = this.tiles[Number(tile.dataset.column) + step[0]]
    if (!tiles) return
    const row = Math.min(Math.max(Number(tile.dataset.row) + step[1], 0), tiles.length - 1)
    tile.tabIndex = -1
    tiles[row].tabIndex = 0
    tiles[row].focus()
  }

  end() {
    this.deaf()
    this.notes.end()
    document.removeEventListener("pointerdown", this.outside)
    this.sizes.disconnect()
    this.sight.disconnect()
    for (const made of [this.frame, this.legend, this.notes.tip]) made.remove()
  }
}

/** Puts an element below a column. */
function stand(element, left, top) {
  element.style.left = `${left}px`
  element.style.top = `${top}px`
}
