// A plane for points: placed, sprayed and erased by pointer, finger or keyboard, and sent after every stroke.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, themeOf, write } = await import("./shared.js" + search)

const REACH = 125 // hundredths from the middle to the edge: the plane that boundaries are drawn over
const APART = 9 // between two points of a trail
const SPRAY = 20 // radius
const ERASE = 9 // radius
const SPRAY_MS = 55
const UNDOS = 100
const HELP =
  "Arrow keys move the cursor, with Shift by a hundredth. Space places a point, Delete removes the nearest, " +
  "Ctrl+Z takes back. "

const drawings = new WeakMap()

export default function render({ parentElement, data, setTriggerValue }) {
  let drawing = drawings.get(parentElement)
  if (!drawing) {
    drawing = new Drawing(parentElement, data)
    drawings.set(parentElement, drawing)
  }
  drawing.send = stroke => setTriggerValue("drawn", stroke)
  drawing.show(data)
  return atEnd(parentElement, () => {
    drawing.end()
    drawings.delete(parentElement)
  })
}

class Drawing {
  constructor(parent, data) {
    this.points = [] // [x, y, target] in hundredths
    this.past = []
    this.number = data.answered // of the last stroke that was sent
    this.tool = "place"
    this.chosen = 0 // class
    this.level = 100 // value in hundredths
    this.cursor = [0, 0]
    this.box = make("div", "drawing", parent)
    this.box.style.visibility = "hidden"
    this.targets = make("div", "row", this.box)
    const tools = make("div", "row", this.box)
    tools.setAttribute("role", "radiogroup")
    tools.setAttribute("aria-label", "Tool")
    this.tools = Object.fromEntries(
      [["place", "Place"], ["spray", "Spray"], ["erase", "Erase"]].map(([tool, label]) => [
        tool,
        radio(tools, label, () => this.choose(() => (this.tool = tool))),
      ]),
    )
    this.undo = make("button", "", tools)
    this.undo.textContent = "↶"
    this.undo.title = "Undo"
    this.undo.setAttribute("aria-label", "Undo")
    this.undo.onclick = () => this.takeBack()
    this.clear = make("button", "", tools)
    this.clear.textContent = "Clear"
    this.clear.onclick = () => this.stroke(() => (this.points = []), "All points removed.")
    this.plane = make("canvas", "plane", this.box)
    this.plane.tabIndex = 0
    this.plane.dataset.ownUndo = ""
    this.plane.setAttribute("role", "application")
    this.said = make("p", "said", this.box)
    this.said.setAttribute("role", "status")
    this.listen()
    this.resized = new ResizeObserver(() => this.draw())
    this.resized.observe(this.plane)
    adoptStyles(parent, "drawing.css").finally(() => {
      this.box.style.visibility = ""
      this.draw()
    })
  }

  end() {
    clearInterval(this.spraying)
    this.resized.disconnect()
    this.box.remove()
  }

  show(data) {
    const first = this.data === undefined
    const same = !first && JSON.stringify([data.names, data.colours]) === JSON.stringify([this.data.names, this.data.colours])
    this.data = data
    if (!same) this.makeTargets()
    this.box.classList.toggle("locked", data.disabled)
    // A server that has not heard of the newest stroke yet would take it away; in the middle of one, so would any.
    const points = triples(data.points)
    if (!this.busy && data.answered >= this.number && JSON.stringify(points) !== JSON.stringify(this.points)) {
      if (!first) this.remember(this.points)
      this.points = points
      this.say("")
    }
    this.update()
  }

  makeTargets() {
    this.targets.replaceChildren()
    this.buttons = []
    if (this.data.names) {
      this.targets.setAttribute("role", "radiogroup")
      this.targets.setAttribute("aria-label", "Class of new points")
      this.chosen = Math.min(this.chosen, this.data.names.length - 1)
      this.buttons = this.data.names.map((name, index) => {
        const button = radio(this.targets, "", () => this.choose(() => this.choosing(index)))
        make("span", "dot", button).style.background = this.data.colours[index]
        button.append(name)
        return button
      })
      return
    }
    const label = make("label", "value", this.targets)
    label.append("Value")
    this.slider = make("input", "", label)
    Object.assign(this.slider, { type: "range", min: -100, max: 100, step: 5, value: this.level })
    this.shown = make("output", "", label)
    this.slider.oninput = () => {
      this.level = Number(this.slider.value)
      this.update()
    }
  }

  choosing(index) {
    this.chosen = index
    if (this.tool === "erase") this.tool = "place"
  }

  choose(change) {
    change()
    this.update()
  }

  get target() {
    return this.data.names ? this.chosen : this.level
  }

  /** What points of a class or value are called. */
  nameOf(target) {
    return this.data.names ? this.data.names[target] : `value ${hundredths(target)}`
  }

  colourOf(target) {
    const { names, colours } = this.data
    if (names) return colours[target % colours.length]
    const place = ((target + 100) / 200) * (colours.length - 1)
    const low = Math.min(Math.floor(place), colours.length - 2)
    return `color-mix(in srgb, ${colours[low + 1]} ${100 * (place - low)}%, ${colours[low]})`
  }

  // Strokes

  remember(points) {
    this.past.push(points)
    if (this.past.length > UNDOS) this.past.shift()
  }

  /** Changes the points by one stroke that is done at once. */
  stroke(change, words) {
    if (this.data.disabled) return
    this.begin()
    change()
    this.finish(words)
  }

  begin() {
    this.busy = true
    this.before = this.points
    this.points = [...this.points]
  }

  finish(words) {
    clearInterval(this.spraying)
    this.busy = false
    if (JSON.stringify(this.before) !== JSON.stringify(this.points)) {
      this.remember(this.before)
      this.deliver()
    }
    if (words !== undefined && !this.full) this.say(words)
    this.update()
  }

  deliver() {
    this.number += 1
    this.send({ points: this.points.flat(), number: this.number })
  }

  takeBack() {
    if (!this.past.length || this.data.disabled) return
    this.points = this.past.pop()
    this.deliver()
    this.say("Taken back.")
    this.update()
  }

  get full() {
    return this.points.length >= this.data.limit
  }

  add(x, y) {
    if (this.full) return this.say(`There are ${this.data.limit} points, and no more are possible. Erase some.`)
    const wall = this.data.wall
    const inside = value => Math.round(Math.max(-wall, Math.min(wall, value)))
    this.points.push([inside(x), inside(y), this.target])
  }

  erase([x, y], radius) {
    this.points = this.points.filter(point => Math.hypot(point[0] - x, point[1] - y) > radius)
  }

  nearest([x, y]) {
    const away = this.points.map(point => Math.hypot(point[0] - x, point[1] - y))
    const best = away.indexOf(Math.min(...away))
    return away[best] <= 2 * ERASE ? best : -1
  }

  // Pointer

  listen() {
    const plane = this.plane
    plane.addEventListener("pointerdown", event => {
      if (this.data.disabled || event.button !== 0 || this.busy) return
      plane.setPointerCapture(event.pointerId)
      this.finger = event.pointerId // of several fingers the first one draws
      this.byKeyboard = false
      this.begin()
      this.pointer = this.last = this.at(event)
      this.touch()
      if (this.tool === "spray") this.spraying = setInterval(() => this.touch(), SPRAY_MS)
    })
    plane.addEventListener("pointermove", event => {
      if (this.busy && event.pointerId !== this.finger) return
      this.pointer = this.at(event)
      if (this.busy && this.tool === "place") {
        for (const each of event.getCoalescedEvents?.() ?? [event]) {
          const here = this.at(each)
          if (Math.hypot(here[0] - this.last[0], here[1] - this.last[1]) < APART) continue
          this.last = here
          this.add(...here)
        }
      } else if (this.busy && this.tool === "erase") {
        this.erase(this.pointer, ERASE)
      }
      this.draw()
    })
    for (const end of ["pointerup", "pointercancel"]) {
      plane.addEventListener(end, event => this.busy && event.pointerId === this.finger && this.finish(""))
    }
    plane.addEventListener("pointerleave", () => {
      this.pointer = undefined
      this.draw()
    })
    plane.addEventListener("keydown", event => this.press(event))
    plane.addEventListener("focus", () => {
      this.byKeyboard = plane.matches(":focus-visible")
      this.update()
    })
    plane.addEventListener("blur", () => {
      this.byKeyboard = false
      this.update()
    })
  }

  touch() {
    if (this.tool === "erase") this.erase(this.pointer, ERASE)
    else if (this.tool === "place") this.add(...this.pointer)
    else {
      const radius = SPRAY * Math.sqrt(Math.random())
      const angle = 2 * Math.PI * Math.random()
      this.add(this.pointer[0] + radius * Math.cos(angle), this.pointer[1] + radius * Math.sin(angle))
    }
    this.draw()
  }

  /** Where an event is on the plane, in hundredths. */
  at(event) {
    const box = this.plane.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * 2 * REACH - REACH,
      REACH - ((event.clientY - box.top) / box.height) * 2 * REACH,
    ]
  }

  // Keyboard

  press(event) {
    const step = event.shiftKey ? 1 : 5
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
    const way = ways[event.key]
    const digit = this.data.names && /^[0-9]$/.test(event.key) ? Number(event.key) : -1
    if (way) {
      const wall = this.data.wall
      this.cursor = this.cursor.map((value, axis) => Math.max(-wall, Math.min(wall, value + step * way[axis])))
      const near = this.nearest(this.cursor)
      const there = near < 0 ? "" : `, near a point of ${this.nameOf(this.points[near][2])}`
      this.say(`${place(this.cursor)}${there}`)
    } else if (event.key === " " || event.key === "Enter") {
      const words = `${this.nameOf(this.target)} placed at ${place(this.cursor)}. ${this.points.length + 1} points.`
      this.stroke(() => this.add(...this.cursor), words)
    } else if (event.key === "Delete" || event.key === "Backspace") {
      const near = this.nearest(this.cursor)
      if (near < 0) this.say(`No point near ${place(this.cursor)}.`)
      else {
        const words = `Point of ${this.nameOf(this.points[near][2])} removed. ${this.points.length - 1} points.`
        this.stroke(() => this.points.splice(near, 1), words)
      }
    } else if (digit >= 0 && digit < this.data.names.length) {
      this.choose(() => this.choosing(digit))
      this.say(`${this.nameOf(digit)} is chosen.`)
    } else if (!this.data.names && "+-".includes(event.key)) {
      this.level = Math.max(-100, Math.min(100, this.level + (event.key === "+" ? 10 : -10)))
      this.say(`${this.nameOf(this.level)} is chosen.`)
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      this.takeBack()
    } else {
      return
    }
    this.byKeyboard = true
    event.preventDefault()
    this.update()
  }

  // What is seen

  say(words) {
    this.words = words
  }

  update() {
    const { names, disabled } = this.data
    this.buttons.forEach((button, index) => check(button, index === this.chosen && this.tool !== "erase"))
    if (!names) {
      this.slider.value = this.level
      write(this.shown, hundredths(this.level))
    }
    for (const [tool, button] of Object.entries(this.tools)) check(button, tool === this.tool)
    for (const control of this.box.querySelectorAll("button, input")) control.disabled = disabled
    this.undo.disabled = disabled || !this.past.length
    this.clear.disabled = disabled || !this.points.length
    const choose = names ? "Digits choose a class." : "Plus and minus change the value."
    this.plane.setAttribute("aria-label", `Plane with ${this.points.length} points. ${HELP}${choose}`)
    write(this.said, this.words || (this.byKeyboard ? HELP + choose : this.count()))
    this.box.dataset.points = this.points.length
    this.draw()
  }

  count() {
    const total = `${this.points.length} of at most ${this.data.limit} points`
    if (!this.data.names || !this.points.length) return total
    const each = this.data.names.map((name, index) => `${name}: ${this.points.filter(point => point[2] === index).length}`)
    return `${total} (${each.join(", ")})`
  }

  draw() {
    const plane = this.plane
    const side = plane.clientWidth
    if (!side || !this.data) return
    const sharp = window.devicePixelRatio || 1
    if (plane.width !== Math.round(side * sharp)) plane.width = plane.height = Math.round(side * sharp)
    const pen = plane.getContext("2d")
    pen.setTransform(sharp, 0, 0, sharp, 0, 0)
    pen.clearRect(0, 0, side, side)
    const theme = themeOf(plane)
    const x = value => ((value + REACH) / (2 * REACH)) * side
    const y = value => side - x(value)
    pen.lineWidth = 1
    for (const value of [-100, -50, 0, 50, 100]) {
      pen.strokeStyle = value === 0 ? theme.line : theme.grid
      line(pen, x(value), 0, x(value), side)
      line(pen, 0, y(value), side, y(value))
    }
    const radius = this.points.length <= 250 ? 4.5 : 3.5
    for (const [px, py, target] of this.points) {
      pen.beginPath()
      pen.arc(x(px), y(py), radius, 0, 2 * Math.PI)
      pen.fillStyle = this.colourOf(target)
      pen.fill()
      pen.strokeStyle = this.data.names ? theme.background : theme.muted // values near 0 have nearly no colour
      pen.stroke()
    }
    pen.strokeStyle = theme.text
    if (this.byKeyboard) {
      const [cx, cy] = [x(this.cursor[0]), y(this.cursor[1])]
      pen.lineWidth = 1.5
      line(pen, cx - 9, cy, cx + 9, cy)
      line(pen, cx, cy - 9, cx, cy + 9)
    } else if (this.pointer && this.tool !== "place" && !this.data.disabled) {
      pen.beginPath()
      const around = this.tool === "spray" ? SPRAY : ERASE
      pen.arc(x(this.pointer[0]), y(this.pointer[1]), (around / (2 * REACH)) * side, 0, 2 * Math.PI)
      pen.stroke()
    }
  }
}

function triples(flat) {
  return Array.from({ length: flat.length / 3 }, (_, index) => flat.slice(3 * index, 3 * index + 3))
}

/** One of several buttons of which one is chosen. */
function radio(parent, label, choose) {
  const button = make("button", "", parent)
  button.type = "button"
  button.setAttribute("role", "radio")
  button.textContent = label
  button.onclick = choose
  return button
}

function check(button, on) {
  button.setAttribute("aria-checked", String(on))
}

function hundredths(value) {
  return (value / 100).toFixed(2).replace("-", "−")
}

function place([x, y]) {
  return `${hundredths(Math.round(x))}, ${hundredths(Math.round(y))}`
}

function line(pen, x1, y1, x2, y2) {
  pen.beginPath()
  pen.moveTo(x1, y1)
  pen.lineTo(x2, y2)
  pen.stroke()
}
