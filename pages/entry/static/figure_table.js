// A table of figures that change at every tick: the row's name first, then numbers with a note under each. A press on a
// column's name sorts by it; where rows can be pressed, Python is told which one was.

const search = new URL(import.meta.url).search
const { atEnd, make, receive, write } = await import("./shared.js" + search)
const { TableFrame } = await import("./table_frame.js" + search)

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹"

const tables = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let table = tables.get(parentElement)
  if (!table) {
    table = new Table(parentElement)
    tables.set(parentElement, table)
  }
  const deaf = receive(data, newest => table.show(newest, setTriggerValue))
  return atEnd(parentElement, () => {
    deaf()
    tables.delete(parentElement)
  })
}

class Table {
  constructor(parent) {
    this.table = new TableFrame(parent, "figures", "figure_table.css")
    this.sorted = undefined // { place, down } of the column that rows are sorted by; undefined for Python's order
  }

  show(data, setTriggerValue) {
    this.data = data
    this.pick = data.picks && (place => setTriggerValue("pick", data.picks[place]))
    this.draw()
  }

  draw() {
    const { columns, rows, foot } = this.data
    const { head, body } = this.table
    this.table.show(this.data, rows.length)
    fit(head, columns.length, place => {
      const cell = make("th", "", head)
      cell.scope = "col"
      make("button", "sort", cell).onclick = () => this.sortBy(place)
    })
    columns.forEach(([label, help], place) => {
      const cell = head.children[place]
      write(cell.firstChild, label)
      cell.title = help
      cell.classList.toggle("text", isText(rows, place))
      if (this.sorted?.place !== place) cell.removeAttribute("aria-sort")
      else cell.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending")
    })
    fit(body, rows.length, () => make("tr", "", body))
    this.order().forEach((from, place) => this.fill(body.children[place], rows[from], from))
    fit(this.table.foot, foot.length, () => make("tr", "", this.table.foot))
    foot.forEach((cells, place) => this.fill(this.table.foot.children[place], cells))
  }

  /** The first press sorts numbers from the highest and texts from A, the second the other way; the third ends it. */
  sortBy(place) {
    const first = !isText(this.data.rows, place)
    if (this.sorted?.place !== place) this.sorted = { place, down: first }
    else if (this.sorted.down === first) this.sorted = { place, down: !first }
    else this.sorted = undefined
    this.draw()
  }

  order() {
    const { rows } = this.data
    const order = rows.map((_, place) => place)
    if (!this.sorted) return order
    const { place, down } = this.sorted
    const value = row => text(rows[row][place])
    return order.sort((a, b) => compare(value(a), value(b), down) || a - b)
  }

  fill(row, cells, from) {
    const picks = this.pick !== undefined && from !== undefined
    row.classList.toggle("picks", picks)
    row.onclick = picks ? () => this.pick(from) : null
    fit(row, cells.length, () => {
      const cell = make(row.children.length ? "td" : "th", "", row)
      if (cell.tagName === "TH") cell.scope = "row"
      make(cell.tagName === "TH" && picks ? "button" : "div", "value", cell)
      make("div", "note", cell)
    })
    cells.forEach((content, place) => {
      const [shown, note, help] = typeof content === "string" ? [content, "", ""] : content
      const cell = row.children[place]
      write(cell.children[0], shown)
      cell.children[0].classList.toggle("press", cell.children[0].tagName === "BUTTON")
      write(cell.children[1], note)
      cell.title = help
      cell.classList.toggle("marked", help !== "" && place > 0)
      cell.classList.toggle("text", isText(this.data.rows, place))
    })
  }
}

function text(cell) {
  return typeof cell === "string" ? cell : cell[0]
}

/** The number that a text shows, such as 12,500 or −2.4×10⁻⁷ or 98 %; NaN for none. */
function number(shown) {
  const power = digits => "e" + [...digits].map(one => (one === "⁻" ? "-" : SUPERSCRIPT.indexOf(one))).join("")
  const plain = shown.replace(/×10([⁻⁰¹²³⁴-⁹]+)/, (_, digits) => power(digits))
  return Number(plain.replaceAll(",", "").replace("−", "-").replace(/ ?%$/, "") || NaN)
}

/** Whether a column, after the first, holds something else than numbers and dashes. */
function isText(rows, place) {
  return rows.length > 0 && rows.some(row => text(row[place]) !== "–" && Number.isNaN(number(text(row[place]))))
}

/** What is not there comes last, whichever way. */
function compare(a, b, down) {
  if (a === "–" || b === "–") return (a === "–") - (b === "–")
  const [x, y] = [number(a), number(b)]
  const found = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y
  return down ? -found : found
}

/** Gives an element so many children. */
function fit(parent, count, add) {
  while (parent.children.length > count) parent.lastChild.remove()
  while (parent.children.length < count) add(parent.children.length)
}
