// Test samples of a table, one a row, with predictions that change at every tick.

const search = new URL(import.meta.url).search
const { atEnd, make, receive, write } = await import("./shared.js" + search)
const { TableFrame } = await import("./table_frame.js" + search)

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
    this.table = new TableFrame(parent, "rows", "sample_rows.css")
    for (const title of ["predicted", "true", "confidence", ""]) this.newTitle("", title)
    this.inputs = []
    this.rows = []
  }

  newTitle(name, title) {
    const cell = make("th", name, this.table.head)
    cell.scope = "col"
    cell.textContent = title
    return cell
  }

  /** The titles of the inputs, and of those that are not shown; where they change, all rows are made anew. */
  name(titles) {
    if (titles.join("\n") === this.inputs.map(cell => cell.textContent).join("\n")) return
    for (const cell of this.inputs) cell.remove()
    while (this.rows.length) this.rows.pop().element.remove()
    this.inputs = titles.map(title => this.newTitle("input", title))
  }

  show(data) {
    const { items, names, inputs, more } = data
    const { frame } = this.table
    this.table.show(data, items.length)
    // The theme's chart colours begin with those of class 0 and class 1, which also mean wrong and right.
    const [wrong, right] = getComputedStyle(frame).getPropertyValue("--st-chart-categorical-colors").split(",")
    frame.style.setProperty("--wrong", wrong)
    frame.style.setProperty("--right", right)
    this.name(more ? [...names, `${more} more`] : names)
    while (this.rows.length > items.length) this.rows.pop().element.remove()
    while (this.rows.length < items.length) this.rows.push(this.newRow())
    items.forEach((item, index) => this.fill(this.rows[index], item, inputs[index] ?? []))
  }

  newRow() {
    const element = make("tr", "", this.table.body)
    const [predicted, truth, share, mark] = ["name", "name", "share", "mark"].map(name => make("td", name, element))
    const inputs = this.inputs.map(() => make("td", "input", element))
    return { element, predicted, truth, share, mark, inputs }
  }

  fill(row, [predicted, truth, percent], inputs) {
    const right = predicted === truth
    row.element.classList.toggle("wrong", !right)
    write(row.predicted, predicted)
    write(row.truth, truth)
    write(row.share, percent === null ? "" : `${percent} %`)
    write(row.mark, right ? "✓" : "✗")
    row.inputs.forEach((cell, place) => write(cell, inputs[place] ?? "…"))
    row.mark.setAttribute("aria-label", right ? "right" : "wrong")
  }
}
