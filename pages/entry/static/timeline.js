// A slider over the checkpoints of a run. It moves by finger, pointer and keyboard, and says where it stands at once.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const SEND_AFTER = 120 // milliseconds without a move, so that a drag asks for what it rests on
const GIVE_UP_AFTER = 3000 // milliseconds in which what was asked for should be shown
const sliders = new WeakMap()
const number = new Intl.NumberFormat("en-US")

export default function render({ parentElement, data, setTriggerValue }) {
  let slider = sliders.get(parentElement)
  if (!slider) {
    slider = new Slider(parentElement)
    sliders.set(parentElement, slider)
  }
  slider.act = done => setTriggerValue("act", done)
  if (data.locked !== undefined) slider.locked = data.locked // what the feed brings says nothing of it
  const deaf = receive(data, newest => slider.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    slider.end()
    sliders.delete(parentElement)
  })
}

class Slider {
  constructor(parent) {
    this.place = (parent.host ?? parent).closest(".st-key-time")
    this.box = make("div", "time", parent)
    this.box.setAttribute("role", "group")
    this.box.setAttribute("aria-label", "Time travel")
    this.box.style.visibility = "hidden" // until its style sheet is here
    this.row = make("div", "row", this.box)
    this.range = make("input", "range", this.row)
    this.range.type = "range"
    this.range.min = 0
    this.range.step = 1
    this.range.setAttribute("aria-label", "Moment of the run")
    this.said = make("output", "said", this.row)
    this.buttons = make("div", "buttons", this.box)
    this.back = this.button("Back to now", "", () => this.send("look", null))
    this.on = this.button("Continue from here", "primary", () => this.send("fork", this.chosen()))
    this.note = make("p", "note", this.box)
    adoptStyles(parent, "timeline.css").finally(() => (this.box.style.visibility = ""))
    this.range.addEventListener("input", () => this.moved())
    this.range.addEventListener("change", () => this.look())
  }

  button(label, kind, press) {
    const made = make("button", kind, this.buttons)
    made.type = "button"
    made.textContent = label
    made.addEventListener("click", press)
    return made
  }

  show(data) {
    const moving = this.asked !== undefined && data.step !== this.asked && performance.now() < this.patience
    this.data = data
    // The last place is the run as it is now, whether a checkpoint lies there or not.
    this.places = [...data.steps.filter(step => step < data.end), data.end]
    this.range.max = this.places.length - 1
    this.range.disabled = this.places.length < 2
    if (!moving && !this.timer) {
      this.asked = undefined
      this.range.value = this.placeOf(data.step)
    }
    this.say()
  }

  /** The place of a step, or of the checkpoint before it. */
  placeOf(step) {
    const after = this.places.findIndex(place => place > step)
    return after < 0 ? this.places.length - 1 : Math.max(0, after - 1)
  }

  chosen() {
    return this.places[Number(this.range.value)]
  }

  say() {
    const { before, end, fork, step, steps, trains } = this.data
    const chosen = this.chosen()
    const past = chosen < end
    const where = past ? `step ${number.format(chosen)} of ${number.format(end)}` : `now, step ${number.format(end)}`
    const from = past || fork === null ? "" : before ? `, since ${number.format(steps[0])}` : `, forked at ${number.format(fork)}`
    const note = chosen === steps[0] && before ? before : this.data.note
    write(this.said, where + from)
    this.range.setAttribute("aria-valuetext", where)
    const share = this.places.length > 1 ? Number(this.range.value) / (this.places.length - 1) : 1
    this.range.style.setProperty("--done", `${(100 * share).toFixed(2)}%`)
    this.box.classList.toggle("past", past)
    this.place?.toggleAttribute("data-past", past) // the page keeps it in sight then
    this.row.hidden = this.places.length < 2
    this.buttons.hidden = !past
    this.on.disabled = trains || chosen !== step
    this.on.hidden = this.locked
    write(this.note, note)
    this.note.hidden = note === ""
  }

  moved() {
    this.say()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.look(), SEND_AFTER)
  }

  look() {
    clearTimeout(this.timer)
    this.timer = undefined
    const step = this.chosen()
    if (step !== (this.asked ?? this.data.step)) this.send("look", step < this.data.end ? step : null)
  }

  send(kind, step) {
    this.asked = step ?? this.data.end
    this.patience = performance.now() + GIVE_UP_AFTER
    if (kind === "look") this.range.value = this.placeOf(this.asked)
    else this.asked = undefined
    this.say()
    this.act({ kind, step })
  }

  end() {
    clearTimeout(this.timer)
  }
}
