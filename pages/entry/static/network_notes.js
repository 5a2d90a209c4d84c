// The note beside what is looked at: its numbers, fields that set them, a layer's settings, and which neurons are shown.

const search = new URL(import.meta.url).search
const { make, pointAt } = await import("./shared.js" + search)
const { short, signed } = await import("./network_values.js" + search)
const { button } = await import("./network_columns.js" + search)

export class Notes {
  /** `picture` is what the note tells about. */
  constructor(picture, parent) {
    this.picture = picture
    this.tip = make("div", "mlp-network-tip", parent)
    this.tip.popover = "manual" // above all else, and not cut off where the picture scrolls
    this.tip.addEventListener("keydown", event => event.key === "Escape" && this.close())
    this.fields = []
    this.pinned = false
    this.at = null // { column, neuron } or { column, neuron, input }; { column } alone for what belongs to the column
    this.moves = () => this.at && this.put()
    addEventListener("scroll", this.moves, { capture: true, passive: true })
  }

  end() {
    removeEventListener("scroll", this.moves, { capture: true })
    pointAt("neuron", null)
  }

  // What is looked at

  /** Shows what is known of a neuron or a weight for as long as it is looked at. */
  look(at) {
    if (this.pinned || JSON.stringify(at) === JSON.stringify(this.at)) return
    this.at = at
    this.tell()
    this.picture.ask()
  }

  rest() {
    if (!this.pinned && this.at) this.hide()
  }

  hide() {
    pointAt("neuron", null)
    this.pinned = false
    this.at = this.opened = null
    this.fields = []
    if (this.tip.matches(":popover-open")) this.tip.hidePopover()
    this.picture.ask()
  }

  /** Closes a note that stays, and gives the focus back to what has opened it. */
  close() {
    const opened = this.opened
    this.hide()
    if (opened) this.picture.focus(opened)
  }

  /** Newer numbers have come. */
  refresh() {
    if (!this.at) return
    if (!this.pinned) return this.tell()
    if (this.waits && this.picture.values) return this.pin(this.at, this.opened)
    for (const field of this.fields) if (!field.typed) field.set(field.now())
    this.numbers?.(this.picture.values?.[this.at.column])
  }

  /** The network has changed: what a note that stays belongs to may be another thing, or gone. */
  rebuilt(same) {
    if (!this.at) return
    const { column, neuron } = this.at
    const there = this.picture.columns[column]
    if (!there || (neuron !== undefined && !same)) return this.hide()
    const again = { settings: () => this.settings(column, false), inputs: () => this.inputs(false) }[this.kind]
    if (!again) return
    if (this.kind === "inputs" && !this.picture.structure.features) return this.hide()
    const focused = this.tip.getRootNode().activeElement?.dataset.key
    again()
    if (focused) this.picture.focus(focused)
  }

  tell() {
    this.begin()
    this.describe()
    this.show()
  }

  begin(kind = "") {
    this.kind = kind
    this.fields = []
    this.numbers = null
    this.waits = false
    this.tip.replaceChildren()
    this.tip.dataset.pinned = String(this.pinned)
  }

  title(text) {
    make("strong", "", this.tip).textContent = text
  }

  says(text) {
    const line = make("div", "", this.tip)
    line.textContent = text
    return line
  }

  describe() {
    const { column: place, neuron, input } = this.at
    const { picture } = this
    const column = picture.columns[place]
    const weight = input !== undefined
    if (weight) this.title(`${picture.called(place - 1, input)} → ${picture.called(place, neuron)}`)
    else this.title(column.picture ? "the image" : `${column.title}: ${picture.called(place, neuron)}`)
    const [kind, at] = weight ? ["weight", neuron * picture.layout.y[place - 1].length + input] : ["bias", neuron]
    const names = weight ? ["weights", "gradients", "updates"] : ["biases", "biasGradients", "biasUpdates"]
    const range = weight ? null : this.says("")
    const own = weight || picture.values?.[place]?.biases
    const [value, gradient, update] = own ? [this.says(""), this.says(""), this.says("")] : []
    this.numbers = values => {
      if (range) {
        range.textContent = values?.low ? `puts out ${short(values.low[neuron])} to ${short(values.high[neuron])}` : ""
      }
      if (!value) return
      const [now, slope, change] = names.map(name => values?.[name]?.[at])
      value.textContent = `${kind} ${short(now)}`
      gradient.textContent = `gradient ${slope === undefined ? "none yet" : short(slope, 2)}`
      update.textContent = `last update ${this.changed(change)}`
    }
    this.numbers(picture.values?.[place])
    if (!this.pinned && !weight) pointAt("neuron", picture.drawing.enlarge(this.tip, place, neuron))
    if (!this.pinned && own && !picture.structure.locked) this.says("press to set it").className = "hint"
  }

  changed(change) {
    const { steps } = this.picture
    if (change === undefined || !steps) return "none seen yet"
    return steps === 1 ? signed(change) : `${signed(change)} in ${steps.toLocaleString("en")} steps`
  }

  // What stays

  /** Lets the note stay, with fields for what can be set; `opened` is the key of what has opened it. */
  pin(at, opened) {
    const { column: place, neuron, input } = at
    const { picture } = this
    this.at = at
    this.opened = opened
    this.pinned = true
    this.begin("numbers")
    this.describe()
    this.closer()
    this.waits = !picture.values
    if (this.waits) this.says("The network is being prepared.")
    const values = picture.values?.[place]
    if (values?.weights && !picture.structure.locked) {
      const list = make("div", "inputs", this.tip)
      const before = picture.layout.y[place - 1].length
      const rows = input === undefined ? [...Array(before).keys()] : [input]
      for (const row of rows) this.number(list, `from ${picture.called(place - 1, row)}`, neuron * before + row, row)
      if (input === undefined && values.biases) this.number(list, "bias", neuron, null)
    }
    if (input === undefined && !picture.structure.locked) {
      const column = picture.columns[place]
      this.operations(this.tip, column.operations, column.paths[0], column.shown[neuron])
    }
    this.show()
    const first = this.fields[0]?.element ?? this.tip.querySelector("button")
    first.focus()
    first.select?.()
    picture.ask()
  }

  closer() {
    button(this.tip, "close", "close", "×", "Close", () => this.close())
  }

  number(list, label, at, input) {
    const { column: place, neuron } = this.at
    const { picture } = this
    const column = picture.columns[place]
    const name = input === null ? "biases" : "weights"
    this.field(list, label, {
      kind: "number",
      now: () => short(picture.values?.[place]?.[name]?.[at]),
      send: value => {
        const from = input === null ? null : picture.columns[place - 1].shown[input]
        if (Number.isFinite(value)) {
          picture.act({ kind: "weight", path: column.paths[0], row: column.shown[neuron], column: from, value })
        }
      },
    })
  }

  /** A row with a label and what takes a value: { kind, key, now, send, choices, help, locked, none }. */
  field(list, label, { kind, key, now, send, choices, help, locked, none }) {
    const row = make("label", kind === "switch" ? "switch" : "", list)
    row.append(label)
    if (help) row.title = help
    const element = kind === "choice" ? make("select", "", row) : make("input", "", row)
    const field = { element, now, typed: false }
    element.dataset.key = key ?? label
    element.disabled = Boolean(locked)
    if (kind === "switch") element.type = "checkbox"
    else if (kind !== "choice" && kind !== "text") element.inputMode = "decimal"
    if (none) element.placeholder = none.length < 12 ? none : "auto"
    if (kind === "choice") fill(element, choices)
    field.set = value => {
      if (kind === "switch") element.checked = value
      else if (element.value !== String(value)) element.value = value
    }
    field.set(now())
    element.oninput = () => (field.typed = true)
    element.onchange = () => {
      field.typed = false
      send(kind === "switch" ? element.checked : read(kind, element.value))
    }
    this.fields.push(field)
  }

  // A layer's settings

  /** The settings of a column's layers, as the catalog has them. */
  settings(place, focuses = true) {
    const { picture } = this
    const column = picture.columns[place]
    this.at = { column: place }
    this.opened = `title ${place}`
    this.pinned = true
    this.begin("settings")
    this.tip.setAttribute("role", "dialog")
    this.tip.setAttribute("aria-label", `Settings of ${column.name}`)
    this.title(column.title)
    this.closer()
    for (const layer of column.layers) this.layer(layer)
    const all = () => {
      this.close()
      picture.act({ kind: "select", path: column.paths[0] })
    }
    button(this.tip, "all", "all", "Initial weights, formula and more", "", all)
    this.show()
    if (focuses) this.fields[0]?.element.focus()
  }

  /** Buttons for what can be done to a layer, or to one of its neurons, while the run goes on. */
  operations(parent, offered, path, neuron = null) {
    if (!offered?.length) return
    const row = make("div", "operations", parent)
    for (const { name, label, help } of offered) {
      const go = () => {
        this.close()
        this.picture.act({ kind: "operate", path, operation: name, neuron })
      }
      button(row, "choice", `${name} ${path}`, label, "", go).title = help
    }
  }

  layer({ path, number, type, summary, parameters, locked, frozen, operations }) {
    const { picture } = this
    const list = make("fieldset", "inputs", this.tip)
    make("legend", "", list).textContent = `Layer ${number}`
    this.field(list, "Type", {
      kind: "choice",
      key: `type ${path}`,
      choices: picture.structure.types,
      now: () => type,
      send: chosen => picture.heads.retype(path, chosen, labelOf(picture.structure.types, chosen)),
      help: summary,
      locked,
    })
    for (const parameter of parameters) {
      const { name, label, help, value, kind, none } = parameter
      this.field(list, label, {
        kind,
        key: `${name} ${path}`,
        choices: [{ types: parameter.choices ?? [] }],
        now: () => value ?? "",
        send: found => picture.act({ kind: "parameter", path, name, value: found }),
        help,
        none,
        locked: parameter.locked,
      })
    }
    if (frozen) {
      this.field(list, frozen.label, {
        kind: "switch",
        key: `frozen ${path}`,
        now: () => frozen.value,
        send: value => picture.act({ kind: "freeze", path, value }),
        help: frozen.help,
        locked: frozen.locked,
      })
    }
    if (!locked) this.operations(list, operations, path)
  }

  // Which neurons of a wide column are shown

  fold(place) {
    const { picture } = this
    const column = picture.columns[place]
    this.at = { column: place }
    this.opened = `fold ${place}`
    this.pinned = true
    this.begin("fold")
    this.tip.setAttribute("role", "dialog")
    this.tip.setAttribute("aria-label", `Which neurons of ${column.name} are shown`)
    this.title(`${column.shown.length} of ${column.width.toLocaleString("en")} neurons`)
    this.closer()
    const [first, last, count] = [column.shown[0], column.shown.at(-1), column.shown.length]
    const most = picture.structure.scrolled
    const show = more => {
      this.close()
      picture.act({ kind: "show", column: place, ...more })
    }
    const choose = (text, more) => button(this.tip, "choice", text, text, "", () => show(more))
    choose("Evenly spread", { by: "spread" })
    if (column.link === "weights") choose("Largest weights now", { by: "norm" })
    choose("The first", { by: "row", first: 0 })
    const scroll = column.width <= most ? "All, to scroll" : `The first ${most}, to scroll`
    choose(scroll, { by: "row", first: 0, count: most })
    if (last + 1 < column.width) choose("The next", { by: "row", first: last + 1, count })
    if (first > 0) choose("Those before", { by: "row", first: Math.max(0, first - count), count })
    const list = make("div", "inputs", this.tip)
    this.field(list, "Chosen", {
      kind: "text",
      now: () => "",
      send: text => show({ by: "names", neurons: places(text) }),
      help: "Numbers of neurons, such as 1, 5, 20-24",
    })
    this.fields[0].element.placeholder = "1, 5, 20-24"
    this.show()
    this.tip.querySelector(".choice").focus()
  }

  // Which inputs there are

  inputs(focuses = true) {
    const { picture } = this
    const { side, offered, chosen } = picture.structure.features
    this.at = { column: 0 }
    this.opened = "inputs"
    this.pinned = true
    this.begin("inputs")
    this.tip.setAttribute("role", "dialog")
    this.tip.setAttribute("aria-label", "Input features")
    this.title("Input features")
    this.closer()
    const list = make("div", "features", this.tip)
    for (const { name, label, map } of offered) {
      const on = chosen.includes(name)
      const rest = on ? chosen.filter(other => other !== name) : [...chosen, name]
      const go = () => picture.act({ kind: "features", names: rest })
      const made = button(list, "choice", `feature ${name}`, "", "", go)
      made.setAttribute("aria-pressed", String(on))
      made.disabled = !rest.length
      picture.drawing.thumbnail(made, map, side)
      made.append(label)
    }
    this.show()
    if (focuses) list.querySelector("button:enabled").focus()
  }

  // Its place

  show() {
    if (this.kind === "") this.tip.removeAttribute("role")
    if (!this.tip.matches(":popover-open")) this.tip.showPopover()
    this.put()
  }

  put() {
    const { column, neuron, input } = this.at
    const { x, y } = this.picture.layout
    const stage = this.picture.stage.getBoundingClientRect()
    const note = this.tip.getBoundingClientRect()
    const weight = input !== undefined
    const across = stage.left + (weight ? (x[column - 1] + x[column]) / 2 : x[column])
    const right = across + 30 + note.width < innerWidth - 8
    const left = neuron === undefined ? across - note.width / 2 : right ? across + 30 : across - 30 - note.width
    let down = stage.top + 40
    if (this.kind === "fold") down = stage.top + y[column].at(-1) - note.height
    else if (neuron !== undefined) {
      const middle = weight ? (y[column][neuron] + y[column - 1][input]) / 2 : y[column][neuron]
      down = stage.top + middle - note.height / 2
    }
    this.tip.style.left = `${Math.max(8, Math.min(left, innerWidth - note.width - 8))}px`
    this.tip.style.top = `${Math.max(8, Math.min(down, innerHeight - note.height - 8))}px`
  }
}

/** Options of a select, in groups where these have labels. */
function fill(select, groups) {
  for (const { label, types } of groups) {
    const parent = label ? make("optgroup", "", select) : select
    if (label) parent.label = label
    for (const [value, text] of types) {
      const option = make("option", "", parent)
      option.value = value
      option.textContent = text
    }
  }
}

/** What a value is called among options in groups. */
function labelOf(groups, value) {
  return groups.flatMap(({ types }) => types).find(([name]) => name === value)?.[1] ?? value
}

/** What a field holds: a number where it is one, null for nothing, else the text, which the page refuses. */
function read(kind, text) {
  if (kind === "text") return text
  if (kind === "choice" || text.trim() === "") return text.trim() || null
  const value = Number(text.replace("−", "-").replace(",", "."))
  return Number.isFinite(value) ? value : text
}

/** Places of neurons, from 0, of a text of numbers and ranges. */
function places(text) {
  return text.split(/[\s,;]+/).flatMap(part => {
    const [first, last] = part.split(/[-–]/).map(Number)
    if (!(first > 0)) return []
    const end = Math.min(last >= first ? last : first, first + 99)
    return Array.from({ length: end - first + 1 }, (_, at) => first + at - 1)
  })
}
