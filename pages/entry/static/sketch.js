// A square to draw on: with a mouse, a pen or a finger, or with the keyboard. Python gets strokes, not pixels.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, themeOf, write } = await import("./shared.js" + search)

const SIDE = 280 // pixels of the canvas, whatever its size on the screen
const PEN = 24
const STEP = 1 / 28 // of the keyboard's cursor
const NEAR = 0.006 // points closer than this add nothing
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }

const boards = new WeakMap()

export default function render({ parentElement, data, setStateValue }) {
  let board = boards.get(parentElement)
  if (!board) {
    board = new Board(parentElement)
    boards.set(parentElement, board)
  }
  board.show(data, strokes => setStateValue("strokes", strokes))
  return atEnd(parentElement, () => boards.delete(parentElement))
}

class Board {
  constructor(parent) {
    this.strokes = []
    this.cursor = [0.5, 0.5]
    this.frame = document.createElement("div")
    this.frame.className = "frame"
    this.frame.style.visibility = "hidden" // until its style sheet is here
    this.canvas = make("canvas", "board", this.frame)
    this.canvas.width = this.canvas.height = SIDE
    this.canvas.tabIndex = 0
    this.canvas.setAttribute("role", "application")
    const row = make("div", "row", this.frame)
    this.button(row, "Undo", () => this.strokes.pop())
    this.button(row, "Clear", () => (this.strokes = []))
    this.words = make("p", "words", this.frame)
    this.words.setAttribute("aria-live", "polite")
    parent.append(this.frame)
    adoptStyles(parent, "sketch.css").finally(() => {
      this.frame.style.visibility = ""
      this.draw()
    })
    this.listen()
    this.say()
  }

  button(row, label, act) {
    const button = make("button", "button", row)
    button.type = "button"
    button.textContent = label
    button.onclick = () => {
      this.penDown = false
      act()
      this.changed()
    }
  }

  show({ label }, send) {
    this.canvas.setAttribute("aria-label", label)
    this.send = send
    this.draw()
  }

  listen() {
    const { canvas } = this
    canvas.addEventListener("pointerdown", event => {
      if (event.button > 0 || this.pointer !== undefined) return
      event.preventDefault()
      canvas.focus({ preventScroll: true })
      canvas.setPointerCapture(event.pointerId)
      this.pointer = event.pointerId
      this.penDown = this.keys = false
      this.strokes.push([this.place(event)])
      this.draw()
    })
    canvas.addEventListener("pointermove", event => {
      if (event.pointerId !== this.pointer) return
      // A fast hand moves further between two frames than a line may: the browser kept the places in between.
      const events = event.getCoalescedEvents?.() ?? []
      for (const one of events.length ? events : [event]) this.add(this.place(one))
      this.draw()
    })
    const end = event => {
      if (event.pointerId !== this.pointer) return
      this.pointer = undefined
      this.changed()
    }
    canvas.addEventListener("pointerup", end)
    canvas.addEventListener("pointercancel", end)
    canvas.addEventListener("keydown", event => this.press(event))
    canvas.addEventListener("blur", () => {
      if (this.penDown) this.lift()
      this.keys = false
      this.draw()
    })
  }

  press(event) {
    const move = MOVES[event.key]
    if (move) {
      this.cursor = this.cursor.map((value, axis) => Math.min(1, Math.max(0, value + move[axis])))
      if (this.penDown) this.add(this.cursor)
    } else if (event.key === " " || event.key === "Enter") {
      if (this.penDown) this.lift()
      else {
        this.penDown = true
        this.strokes.push([this.cursor])
      }
    } else if (event.key === "Backspace" || event.key === "Delete") {
      this.penDown = false
      if (event.key === "Delete") this.strokes = []
      else this.strokes.pop()
      this.changed()
    } else return
    event.preventDefault()
    this.keys = true
    this.say()
    this.draw()
  }

  lift() {
    this.penDown = false
    this.changed()
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect()
    const inside = (value, low, size) => Math.min(1, Math.max(0, (value - low) / size))
    return [inside(event.clientX, box.left, box.width), inside(event.clientY, box.top, box.height)]
  }

  add(point) {
    const stroke = this.strokes.at(-1)
    const last = stroke.at(-1)
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) > NEAR) stroke.push(point)
  }

  changed() {
    this.draw()
    this.say()
    this.send(this.strokes.map(stroke => smoothed(stroke).map(point => point.map(value => Number(value.toFixed(4))))))
  }

  say() {
    const count = this.strokes.length
    const pen = this.penDown ? "The pen is down. " : ""
    const drawn = count ? `${count} ${count === 1 ? "stroke" : "strokes"}. ` : ""
    write(this.words, `${pen}${drawn}Keyboard: arrows move, space sets the pen down and lifts it.`)
  }

  draw() {
    const pen = this.canvas.getContext("2d")
    const theme = themeOf(this.frame)
    pen.clearRect(0, 0, SIDE, SIDE)
    pen.strokeStyle = pen.fillStyle = theme.text
    pen.lineWidth = PEN
    pen.lineCap = pen.lineJoin = "round"
    for (const stroke of this.strokes) {
      const points = smoothed(stroke)
      pen.beginPath()
      pen.moveTo(points[0][0] * SIDE, points[0][1] * SIDE)
      for (const [x, y] of points) pen.lineTo(x * SIDE, y * SIDE)
      pen.stroke()
    }
    if (this.keys) {
      const [x, y] = this.cursor.map(value => value * SIDE)
      pen.beginPath()
      pen.lineWidth = 3
      pen.strokeStyle = theme.primary
      pen.arc(x, y, this.penDown ? 6 : 11, 0, 7)
      pen.stroke()
    }
  }
}

/** A stroke without the tremor of a hand: each inner point is moved towards its neighbours. */
function smoothed(stroke) {
  return stroke.map((point, place) => {
    const before = stroke[place - 1]
    const after = stroke[place + 1]
    return before && after ? point.map((value, axis) => value / 2 + (before[axis] + after[axis]) / 4) : point
  })
}
