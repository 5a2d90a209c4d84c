// The heads of the columns: what a layer is called, and buttons that add, widen, move and remove layers.

const search = new URL(import.meta.url).search
const { make } = await import("./shared.js" + search)

/** A button with a name that finds it again after it was made anew. */
export function button(parent, className, key, text, label, act) {
  const made = make("button", className, parent)
  made.type = "button"
  made.dataset.key = key
  made.textContent = text
  if (label) made.setAttribute("aria-label", label)
  made.onclick = act
  return made
}

const PATIENCE = 4000 // milliseconds until what was asked for counts as refused

export class Columns {
  /** `act` tells the page what is done, `open` shows the settings of a column, `choose` the inputs to choose from. */
  constructor(stage, act, open, choose) {
    this.choose = choose
    this.stage = stage
    this.wanted = new Map() // the path of a layer → the neurons that were asked for, until the page has them
    this.retyped = new Map() // the path of a layer → the type that was asked for, with its label
    this.act = act
    this.open = open
    this.heads = []
    this.adders = []
  }

  build({ columns, features, locked }) {
    this.columns = columns
    this.features = features
    this.locked = locked
    for (const old of [...this.heads, ...this.adders]) old.remove()
    this.heads = columns.map((column, place) => this.head(column, place))
    this.adders = columns.slice(1).map((column, place) => {
      const label = `Add a layer after ${columns[place].name}`
      const go = () => this.act({ kind: "add", path: column.paths[0] })
      const adder = button(this.stage, "mlp-network-add", `add ${place}`, "+", label, go)
      adder.title = "Add a layer here"
      adder.disabled = locked
      return adder
    })
    this.entitle()
  }

  head(column, place) {
    const head = make("div", "mlp-network-head", this.stage)
    const last = place === this.columns.length - 1
    if (!place) {
      make("div", "mlp-network-title", head).textContent = column.title
      const row = make("div", "mlp-network-width", head)
      const count = column.width.toLocaleString("en")
      if (!this.features) row.textContent = count
      else button(row, "wide", "inputs", `${count} ▾`, `${count} input features: choose`, this.choose)
      return head
    }
    const free = column.depth === 0 && !last && !this.locked
    const frozen = column.frozen ? ", frozen" : ""
    const label = `${column.name}, ${column.width} ${column.width === 1 ? "neuron" : "neurons"}${frozen}: settings`
    const title = button(head, "mlp-network-title", `title ${place}`, column.title, label, () => this.open(place))
    title.title = `${column.name}${frozen}: press for its settings`
    title.classList.toggle("frozen", column.frozen)
    title.setAttribute("aria-haspopup", "dialog")
    const row = make("div", "mlp-network-width", head)
    const remove = () => this.act({ kind: "remove", paths: column.paths })
    if (column.link === "weights" && !last) {
      this.step(row, column, place, -1)
      this.step(row, column, place, 1)
    }
    if (!last && column.depth === 0) {
      const cross = button(row, "mlp-network-remove", `remove ${place}`, "×", `Remove ${column.name}`, remove)
      cross.title = "Remove"
      cross.disabled = this.locked
    }
    if (free) {
      title.addEventListener("keydown", event => event.key === "Delete" && remove())
      this.drag(title, head, place)
    }
    return head
  }

  step(row, column, place, by) {
    const label = `${by < 0 ? "One neuron fewer" : "One neuron more"} in ${column.name}`
    const path = column.paths[0]
    const go = () => {
      const value = Math.max(1, (this.wanted.get(`${path}`) ?? this.width(column)) + by)
      this.wanted.set(`${path}`, value)
      this.expect()
      this.act({ kind: "parameter", path, name: "out_features", value })
    }
    const made = button(row, "", `${by < 0 ? "fewer" : "more"} ${place}`, by < 0 ? "−" : "+", label, go)
    made.disabled = this.locked || this.width(column) + by < 1
  }

  /** Has a layer get another type. */
  retype(path, type, label) {
    this.retyped.set(`${path}`, { type, label })
    this.expect()
    this.act({ kind: "type", path, type })
  }

  /** Shows what was asked for, for as long as it may take to come. */
  expect() {
    clearTimeout(this.waiting)
    this.waiting = setTimeout(() => this.reset(), PATIENCE)
    this.entitle()
  }

  /** Shows the network as the page has it: an edit that was shown at once has not come, or was refused. */
  reset() {
    this.forget()
    this.entitle()
  }

  /** Expects nothing any more: layers have other places now. */
  forget() {
    this.wanted.clear()
    this.retyped.clear()
  }

  /**
   * Titles with the widths and types that were asked for last: what is pressed shows at once, and the next press counts
   * on.
   */
  entitle() {
    this.columns.forEach((column, place) => {
      if (place) this.heads[place].firstChild.textContent = this.renamed(column)
      const key = `${column.paths[0]}`
      if (!place || column.link !== "weights") return
      if (this.wanted.get(key) === this.width(column)) this.wanted.delete(key)
      const width = this.wanted.get(key)
      if (width === undefined) return
      const title = this.heads[place].firstChild
      title.textContent = title.textContent.replace(/^[\d,]+/, width.toLocaleString("en"))
    })
  }

  /** The title of a column with the types that were asked for; that of a Linear shows its neurons instead. */
  renamed(column) {
    const parts = column.title.split(" · ")
    column.layers.forEach(({ path, type }, at) => {
      const asked = this.retyped.get(`${path}`)
      if (asked?.type === type) this.retyped.delete(`${path}`)
      else if (asked && (at > 0 || column.link !== "weights")) parts[at] = asked.label
    })
    return parts.join(" · ")
  }

  /** Neurons of the column's Linear, which a gate behind it halves. */
  width(column) {
    const set = column.layers[0].parameters.find(({ name }) => name === "out_features")
    return set?.value ?? column.width
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
      const at = free.indexOf(place)
      const before = free[at + step]
      if (before === undefined) return
      this.moved = `title ${free[at + Math.sign(step)]}` // the next key is for the same layer
      move(before)
    })
    title.addEventListener("pointerdown", down => {
      if (down.button || down.pointerType === "touch") return
      const start = this.x[place] - down.clientX
      const go = event => {
        if (!head.classList.contains("moving") && Math.abs(event.clientX - down.clientX) < 8) return
        head.classList.add("moving")
        head.style.left = `${start + event.clientX}px`
      }
      const end = event => {
        removeEventListener("pointermove", go)
        removeEventListener("pointerup", end)
        if (!head.classList.contains("moving")) return
        head.classList.remove("moving")
        head.style.left = `${this.x[place]}px`
        const deaf = new AbortController() // a click may follow, and does not where the pointer has left the title
        const swallow = click => click.stopImmediatePropagation()
        title.addEventListener("click", swallow, { capture: true, signal: deaf.signal })
        setTimeout(() => deaf.abort())
        const before = free.find(at => this.x[at] > start + event.clientX)
        if (before !== undefined && before !== place && before !== free[free.indexOf(place) + 1]) move(before)
      }
      addEventListener("pointermove", go)
      addEventListener("pointerup", end)
    })
  }

  put({ x, step }) {
    this.x = x
    this.heads.forEach((head, place) => {
      head.style.left = `${x[place]}px`
      head.style.maxWidth = `${Math.max(60, step - 6)}px`
    })
    this.adders.forEach((adder, place) => (adder.style.left = `${(x[place] + x[place + 1]) / 2}px`))
  }
}
