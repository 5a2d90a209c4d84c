// What can be wrong in a run: a row for each thing, which stays where it is whatever happens to the others.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const LEVELS = { good: ["✓", "fine"], warning: ["▲", "warning"], bad: ["✕", "bad"] }
const boards = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let board = boards.get(parentElement)
  if (!board) {
    board = new Board(parentElement)
    boards.set(parentElement, board)
  }
  board.press = name => setTriggerValue("tried", name)
  const deaf = receive(data, newest => board.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    boards.delete(parentElement)
  })
}

class Board {
  constructor(parent) {
    this.list = make("ul", "board", parent)
    this.list.style.visibility = "hidden" // until its style sheet is here
    adoptStyles(parent, "health_board.css").finally(() => (this.list.style.visibility = ""))
    this.rows = new Map() // by name
  }

  show({ checks, alt, disabled }) {
    this.list.setAttribute("aria-label", alt)
    for (const name of [...this.rows.keys()]) {
      if (checks.some(check => check.name === name)) continue
      this.rows.get(name).element.remove()
      this.rows.delete(name)
    }
    for (const check of checks) {
      if (!this.rows.has(check.name)) this.rows.set(check.name, this.newRow(check.name))
      this.fill(this.rows.get(check.name), check, disabled)
    }
  }

  newRow(name) {
    const element = make("li", "row", this.list)
    const head = make("div", "head", element)
    const mark = make("span", "mark", head)
    mark.setAttribute("aria-hidden", "true")
    const button = make("button", "label", head)
    button.type = "button"
    button.setAttribute("aria-expanded", "false")
    const text = make("span", "", button)
    const level = make("span", "hidden", button)
    const sentence = make("p", "sentence", head)
    const fix = make("button", "fix", head)
    fix.type = "button"
    fix.onclick = () => this.press(name)
    const more = make("dl", "more", element)
    more.hidden = true
    const part = label => {
      write(make("dt", "", more), label)
      return make("dd", "", more)
    }
    const [why, remedy] = [part("Why it happens"), part("What to try")]
    button.onclick = () => {
      more.hidden = !more.hidden
      element.classList.toggle("open", !more.hidden)
      button.setAttribute("aria-expanded", String(!more.hidden))
    }
    return { element, mark, text, level, sentence, fix, why, remedy }
  }

  fill(row, { label, level, sentence, why, remedy, fix }, disabled) {
    const [sign, word] = LEVELS[level]
    row.element.dataset.level = level
    write(row.mark, sign)
    write(row.text, label)
    write(row.level, `: ${word}`)
    write(row.sentence, sentence)
    row.sentence.title = sentence
    write(row.fix, fix)
    row.fix.classList.toggle("none", fix === "")
    row.fix.disabled = Boolean(disabled) || fix === ""
    write(row.why, why)
    write(row.remedy, remedy)
  }
}
