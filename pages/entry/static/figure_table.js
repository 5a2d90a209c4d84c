// A table of figures that change at every tick: the row's name first, then numbers with a note under each.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const tables = new WeakMap()

export default function render({ parentElement, data }) {
  let table = tables.get(parentElement)
  if (!table) {
    table = new Table(parentElement)
    tables.set(parentElement, table)
  }
  const deaf = receive(data, newest => table.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    tables.delete(parentElement)
  })
}

class Table {
  constructor(parent) {
    this.frame = document.createElement("div")
    this.frame.className = "frame"
    this.frame.tabIndex = 0 // so that it can be scrolled by keyboard
    this.frame.setAttribute("role", "region")
    this.frame.style.visibility = "hidden" // until its style sheet is here
    const table = make("table", "figures", this.frame)
    this.head = make("tr", "", make("thead", "", table))
    this.body = make("tbody", "", table)
    parent.append(this.frame)
    adoptStyles(parent, "figure_table.css").finally(() => (this.frame.style.visibility = ""))
  }

  show({ columns, rows, alt, height }) {
    this.frame.setAttribute("aria-label", alt)
    this.frame.style.maxHeight = `${height}px`
    fit(this.head, columns.length, () => {
      const cell = make("th", "", this.head)
      cell.scope = "col"
    })
    columns.forEach(([label, help], place) => {
      write(this.head.children[place], label)
      this.head.children[place].title = help
    })
    fit(this.body, rows.length, () => make("tr", "", this.body))
    rows.forEach((cells, place) => this.fill(this.body.children[place], cells))
  }

  fill(row, cells) {
    fit(row, cells.length, () => {
      const cell = make(row.children.length ? "td" : "th", "", row)
      if (cell.tagName === "TH") cell.scope = "row"
      make("div", "value", cell)
      make("div", "note", cell)
    })
    cells.forEach(([text, note, help], place) => {
      const cell = row.children[place]
      write(cell.children[0], text)
      write(cell.children[1], note)
      cell.title = help
      cell.classList.toggle("marked", help !== "" && place > 0)
    })
  }
}

/** Gives an element so many children. */
function fit(parent, count, add) {
  while (parent.children.length > count) parent.lastChild.remove()
  while (parent.children.length < count) add()
}
