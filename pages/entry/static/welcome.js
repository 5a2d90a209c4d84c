// Three steps on the controls themselves, for those who are here for the first time and have not closed them.

const search = new URL(import.meta.url).search
const { make, write } = await import("./shared.js" + search)

const CLOSED = "mlp-playground.welcome"

export class Welcome {
  constructor() {
    this.closed = read(CLOSED) === "closed"
    this.at = 0
    this.steps = []
    // Whoever presses what a step speaks of has done it.
    document.addEventListener("click", event => this.marked?.contains(event.target) && this.go(this.at + 1), true)
  }

  /** Shows the steps in `parent`; without any, or once they were closed, nothing. */
  show(parent, steps) {
    this.steps = this.closed ? [] : steps
    if (this.steps.length === 0) return this.remove()
    if (this.card?.parentElement === parent) return
    this.card?.remove()
    this.card = make("section", "mlp-welcome", parent)
    this.card.setAttribute("aria-label", "Welcome")
    this.card.hidden = true
    this.count = make("span", "mlp-welcome-count", this.card)
    this.text = make("p", "", this.card)
    this.next = this.newButton("", () => this.go(this.at + 1))
    this.close = this.newButton("Close", () => this.end())
    this.card.addEventListener("keydown", event => event.key === "Escape" && this.end())
  }

  newButton(label, pressed) {
    const button = make("button", "", this.card)
    button.type = "button"
    button.textContent = label
    button.addEventListener("click", pressed)
    return button
  }

  go(step) {
    if (step >= this.steps.length) return this.end()
    this.at = step
    this.point()
  }

  /** Marks what the step speaks of; nothing is shown on a page that does not have what the first step speaks of. */
  point() {
    if (this.steps.length === 0) return
    const here = shown(this.steps[0].target) !== undefined
    this.card.hidden = !here
    const target = here ? shown(this.steps[this.at].target) : undefined
    if (this.marked !== target) {
      this.marked?.removeAttribute("data-welcome")
      this.marked = target
      target?.setAttribute("data-welcome", "")
    }
    write(this.count, `${this.at + 1} of ${this.steps.length}`)
    write(this.text, this.steps[this.at].text)
    write(this.next, this.at + 1 < this.steps.length ? "Next" : "Done")
    this.close.hidden = this.at + 1 === this.steps.length
  }

  end() {
    this.closed = true
    this.steps = []
    keep(CLOSED, "closed")
    this.remove()
  }

  remove() {
    this.marked?.removeAttribute("data-welcome")
    this.card?.remove()
    this.card = this.marked = undefined
  }
}

/** The first element on the page that a selector names, and that can be seen. */
function shown(selector) {
  return [...document.querySelectorAll(selector)].find(element => element.getClientRects().length > 0)
}

// A browser may refuse storage; the welcome is then closed for this visit only.
function read(name) {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value)
  } catch (error) {
    console.warn("This browser keeps nothing:", error)
  }
}
