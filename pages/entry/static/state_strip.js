// A thin strip of named numbers and one small curve, updated in place.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)
const { speakFigures } = await import("./speech.js" + search)

const SVG = "http://www.w3.org/2000/svg"
const strips = new WeakMap()

export default function render({ parentElement, data }) {
  let strip = strips.get(parentElement)
  if (!strip) {
    strip = new Strip(parentElement)
    strips.set(parentElement, strip)
  }
  const deaf = receive(data, newest => strip.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    strips.delete(parentElement)
  })
}

class Strip {
  constructor(parent) {
    this.box = document.createElement("div")
    this.box.className = "box"
    this.box.style.visibility = "hidden" // until its style sheet is here
    this.box.setAttribute("role", "group") // around the list: a list with another role is none
    this.strip = make("dl", "strip", this.box)
    this.tip = make("div", "tip", this.box)
    this.tip.id = "tip"
    this.tip.setAttribute("role", "tooltip")
    this.tip.hidden = true
    this.cells = []
    parent.append(this.box)
    adoptStyles(parent, "state_strip.css").finally(() => (this.box.style.visibility = ""))
    this.box.addEventListener("keydown", event => event.key === "Escape" && this.hideTip())
  }

  show({ cells, spark, alt, slim }) {
    this.strip.classList.toggle("slim", slim === true)
    this.box.setAttribute("aria-label", alt)
    speakFigures(cells)
    while (this.cells.length > cells.length) this.cells.pop().element.remove()
    while (this.cells.length < cells.length) this.cells.push(this.newCell())
    cells.forEach((cell, index) => this.fill(this.cells[index], cell))
    this.drawSpark(spark)
  }

  newCell() {
    const element = document.createElement("div")
    element.className = "cell"
    const cell = {
      element,
      label: make("dt", "label", element),
      value: make("dd", "value", element),
      note: make("dd", "note", element),
      help: "",
    }
    for (const start of ["mouseenter", "focus"]) element.addEventListener(start, () => this.showTip(cell))
    for (const stop of ["mouseleave", "blur"]) element.addEventListener(stop, () => this.hideTip())
    this.strip.insertBefore(element, this.sparkCell ?? null)
    return cell
  }

  fill(cell, { label, value, note, help, tone }) {
    cell.element.dataset.name = label
    cell.value.dataset.tone = tone
    write(cell.label, label)
    write(cell.value, value)
    write(cell.note, note)
    if (cell.help === help) return
    cell.help = help
    cell.element.classList.toggle("explained", help !== "")
    if (help === "") cell.element.removeAttribute("tabindex")
    else cell.element.tabIndex = 0
  }

  showTip(cell) {
    if (!cell.help) return
    const note = cell.note.textContent
    write(this.tip, this.strip.classList.contains("slim") && note ? `${note}. ${cell.help}` : cell.help)
    this.tip.hidden = false
    cell.element.setAttribute("aria-describedby", "tip")
    const box = this.box.getBoundingClientRect()
    const place = cell.element.getBoundingClientRect()
    const left = Math.min(place.left - box.left, box.width - this.tip.offsetWidth)
    this.tip.style.left = `${Math.max(0, left)}px`
    this.tip.style.top = `${place.bottom - box.top + 6}px`
  }

  hideTip() {
    this.tip.hidden = true
  }

  /** Values as a line over the width of its cell; gaps where a value is null. */
  drawSpark(values) {
    if (!values) {
      this.sparkCell?.remove()
      this.sparkCell = undefined
      return
    }
    if (!this.sparkCell) {
      this.sparkCell = make("div", "cell spark", this.strip)
      this.sparkCell.setAttribute("aria-hidden", "true")
      const svg = document.createElementNS(SVG, "svg")
      svg.setAttribute("viewBox", "0 0 100 32")
      svg.setAttribute("preserveAspectRatio", "none")
      this.path = document.createElementNS(SVG, "path")
      svg.append(this.path)
      this.sparkCell.append(svg)
    }
    this.path.setAttribute("d", sparkPath(values))
  }
}

function sparkPath(values) {
  const known = values.filter(value => value !== null)
  if (known.length === 0) return ""
  const low = Math.min(...known)
  const span = Math.max(...known) - low || 1
  let path = ""
  let pen = "M"
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M"
      return
    }
    const x = values.length > 1 ? (100 * index) / (values.length - 1) : 50
    path += `${pen}${x.toFixed(1)} ${(30 - (28 * (value - low)) / span).toFixed(1)}`
    pen = "L"
  })
  return path
}
