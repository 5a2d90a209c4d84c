// What is drawn of the network on one canvas: lines for weights, tiles for neurons, blocks, and the legend beside it.

const search = new URL(import.meta.url).search
const { channels, make } = await import("./shared.js" + search)
const { gap, line } = await import("./network_geometry.js" + search)
const { unpack } = await import("./network_values.js" + search)

const LEVELS = 6 // widths of lines that are told apart
const USUAL = { positive: "#0f766e", negative: "#c2410c", middle: "#fbfbf9" } // until the page has said its own

export class Drawing {
  constructor(canvas, legend) {
    this.canvas = canvas
    this.legend = legend
    this.paintWith(USUAL)
  }

  paintWith(colours) {
    const key = JSON.stringify(colours)
    if (key === this.key) return
    this.key = key
    this.colours = colours
    this.surface = ramp(colours)
    this.drawLegend()
  }

  fit(layout) {
    const ratio = devicePixelRatio || 1
    this.layout = layout
    this.canvas.width = Math.round(layout.width * ratio)
    this.canvas.height = Math.round(layout.height * ratio)
    this.canvas.style.width = `${layout.width}px`
    this.canvas.style.height = `${layout.height}px`
  }

  /** Draws the columns with their values; `hover` is the neuron or weight that is looked at, `marked` a place. */
  draw({ columns, values, flipped, hover, marked, text }) {
    const pen = this.canvas.getContext("2d")
    const ratio = devicePixelRatio || 1
    Object.assign(this, { columns, values, flipped, hover, text })
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, this.layout.width, this.layout.height)
    columns.forEach((column, place) => column.link === "sum" && this.drawBlock(pen, column, place))
    for (let place = 1; place < columns.length; place++) this.drawLinks(pen, place)
    if (values) columns.forEach((_, place) => this.drawTiles(pen, place, marked))
    this.drawLoss(pen)
  }

  drawLinks(pen, place) {
    const { y } = this.layout
    const ends = gap(this.layout, place)
    const column = this.columns[place]
    const before = y[place - 1].length
    const values = this.values?.[place]
    pen.lineCap = "round"
    if (values?.weights) {
      this.drawWeights(pen, place, values, ends)
      return
    }
    const path = new Path2D()
    const single = column.link === "one to one" || column.link === "sum"
    y[place].forEach((b, row) => {
      const rows = single ? [Math.min(row, before - 1)] : y[place - 1].keys()
      for (const input of rows) line(path, ends, y[place - 1][input], b)
    })
    pen.strokeStyle = this.text
    pen.globalAlpha = column.link === "weights" ? 0.13 : 0.3
    pen.lineWidth = 0.8
    pen.stroke(path)
    pen.globalAlpha = 1
  }

  /** Lines of the same look are one path: drawing hundreds of paths takes most of the time. */
  drawWeights(pen, place, { weights, peak }, ends) {
    const { y } = this.layout
    const before = y[place - 1].length
    const paths = new Map()
    for (let row = 0; row < y[place].length; row++) {
      for (let input = 0; input < before; input++) {
        const weight = weights[row * before + input] / peak
        const level = Math.ceil(Math.abs(weight) * LEVELS)
        if (!level) continue
        const key = (this.dims(place, row, input) ? 100 : 0) + (weight < 0 ? 10 : 0) + level
        if (!paths.has(key)) paths.set(key, new Path2D())
        line(paths.get(key), ends, y[place - 1][input], y[place][row])
      }
    }
    for (const [key, path] of [...paths].sort(([one], [other]) => (one % 10) - (other % 10))) {
      const share = (key % 10) / LEVELS
      pen.strokeStyle = this.colours[key % 100 >= 10 ? "negative" : "positive"]
      pen.globalAlpha = (key >= 100 ? 0.12 : 1) * (0.22 + 0.68 * share)
      pen.lineWidth = 0.4 + 3.4 * share
      pen.stroke(path)
    }
    pen.globalAlpha = 1
  }

  dims(place, row, input) {
    const seen = this.hover
    if (!seen || seen.neuron === undefined) return false
    if (seen.input !== undefined) return !(seen.column === place && seen.neuron === row && seen.input === input)
    return !(seen.column === place && seen.neuron === row) && !(seen.column === place - 1 && seen.neuron === input)
  }

  /** A residual block: the ground that its layers stand on, and the way around them to where both are added. */
  drawBlock(pen, column, place) {
    const { x, y, sides } = this.layout
    const from = column.skip
    const [left, right] = [x[from] + sides[from] / 2 + 10, x[place] - sides[place] / 2 - 22]
    const inside = y.slice(from + 1, place).flat()
    if (inside.length && right > left) {
      const [top, end] = [Math.min(...inside) - sides[place] / 2 - 7, Math.max(...inside) + sides[place] / 2 + 7]
      pen.beginPath()
      pen.roundRect(left, top, right - left, end - top, 10)
      pen.fillStyle = pen.strokeStyle = this.text
      pen.globalAlpha = 0.05
      pen.fill()
      pen.globalAlpha = 0.35
      pen.lineWidth = 1
      pen.stroke()
    }
    const low = Math.max(...y.slice(from, place + 1).flat()) + sides[place] / 2 + 38
    pen.beginPath()
    pen.setLineDash([5, 4])
    pen.moveTo(x[from], y[from].at(-1) + sides[from] / 2)
    pen.bezierCurveTo(x[from], low, x[place], low, x[place], y[place].at(-1) + sides[place] / 2)
    pen.strokeStyle = this.text
    pen.globalAlpha = 0.6
    pen.lineWidth = 1.6
    pen.stroke()
    pen.setLineDash([])
    pen.globalAlpha = 1
  }

  drawTiles(pen, place, marked) {
    const { x, y, sides } = this.layout
    const values = this.values[place]
    const side = sides[place]
    const left = x[place] - side / 2
    if (values.maps) {
      const sheet = this.paint(values, this.answers(place))
      pen.imageSmoothingEnabled = values.height > 1
      y[place].forEach((middle, row) => {
        const top = middle - side / 2
        pen.drawImage(sheet, 0, row * values.height, values.width, values.height, left, top, side, side)
      })
      if (marked && values.height > 1 && this.answers(place)) this.drawCross(pen, place, marked)
    }
    const most = Math.max(...(values.biases ?? []).map(Math.abs)) || 1
    values.biases?.forEach((bias, row) => {
      const size = 3 + 5 * Math.sqrt(Math.abs(bias) / most)
      pen.fillStyle = this.colours[bias < 0 ? "negative" : "positive"]
      pen.fillRect(left - size - 1, y[place][row] + side / 2 - size, size, size)
    })
    if (this.columns[place].link === "sum") {
      pen.strokeStyle = this.text
      pen.lineWidth = 1.3
      for (const middle of y[place]) {
        const at = left - 9
        pen.beginPath()
        pen.arc(at, middle, 5, 0, 7)
        pen.moveTo(at - 3, middle)
        pen.lineTo(at + 3, middle)
        pen.moveTo(at, middle - 3)
        pen.lineTo(at, middle + 3)
        pen.stroke()
      }
    }
  }

  /** Whether a column's maps are answers over the plane, and not images of its weights. */
  answers(place) {
    return !this.columns[place - 1]?.picture
  }

  /** The place that is pointed at in the output. */
  drawCross(pen, place, { x, y }) {
    const side = this.layout.sides[place]
    const left = this.layout.x[place] - side / 2
    pen.strokeStyle = this.text
    pen.lineWidth = 1
    pen.beginPath()
    for (const middle of this.layout.y[place]) {
      const top = middle - side / 2
      pen.moveTo(left + x * side, top)
      pen.lineTo(left + x * side, top + side)
      pen.moveTo(left, top + y * side)
      pen.lineTo(left + side, top + y * side)
    }
    pen.stroke()
  }

  /** The answers run together into the loss. */
  drawLoss(pen) {
    const { x, y, sides, lossLeft, lossWidth, middle, names } = this.layout
    if (!lossWidth) return
    const last = x.length - 1
    const from = this.columns[last].names ? x[last] + names[1] - 2 : x[last] + sides[last] / 2 + 4
    const path = new Path2D()
    for (const at of y[last]) line(path, [from, lossLeft], at, middle)
    pen.strokeStyle = this.text
    pen.globalAlpha = 0.3
    pen.lineWidth = 0.8
    pen.stroke(path)
    pen.globalAlpha = 1
  }

  /** The maps of a column's neurons, one below the other, on a canvas of their own. */
  paint({ width, height, maps }, turns) {
    const tiles = maps.length / (width * height)
    const sheet = new OffscreenCanvas(width, Math.max(1, height * tiles))
    const image = new ImageData(width, Math.max(1, height * tiles))
    const pixels = new Uint32Array(image.data.buffer)
    for (let tile = 0; tile < tiles; tile++) {
      for (let row = 0; row < height; row++) {
        const source = this.flipped && turns ? height - 1 - row : row
        for (let at = 0; at < width; at++) {
          pixels[(tile * height + row) * width + at] = this.surface[maps[(tile * height + source) * width + at] + 128]
        }
      }
    }
    sheet.getContext("2d").putImageData(image, 0, 0)
    return sheet
  }

  /** A map of its own, small. */
  thumbnail(parent, text, side) {
    const canvas = make("canvas", "", parent)
    canvas.width = canvas.height = side
    const image = new ImageData(side, side)
    const pixels = new Uint32Array(image.data.buffer)
    unpack(text, Int8Array).forEach((level, at) => (pixels[at] = this.surface[level + 128]))
    canvas.getContext("2d").putImageData(image, 0, 0)
  }

  drawLegend() {
    const { positive, negative, middle } = this.colours
    const stroke = (colour, width) => `<path d="M1 5h20" stroke="${colour}" stroke-width="${width}"/>`
    const entry = (drawn, words) => `<span>${drawn}${words}</span>`
    // No i: an empty one has the page load a second font.
    const bar = `<span class="mlp-network-bar" style="background:linear-gradient(90deg,${negative},${middle},${positive})"></span>`
    const box = colour => `<path d="M0 1h8v8H0z" fill="${colour}"/>`
    this.legend.innerHTML =
      entry(`<svg width="22" height="10">${stroke(negative, 3.5)}</svg>`, "negative") +
      entry(`<svg width="22" height="10">${stroke(positive, 3.5)}</svg>`, "positive weight; thicker is larger") +
      entry(`<svg width="9" height="10">${box(negative)}</svg><svg width="9" height="10">${box(positive)}</svg>`, "bias") +
      entry(`<b>−</b>${bar}<b>+</b>`, "what a neuron puts out")
  }

  /** A neuron's map, large, on a canvas in a note; gives a copy of it in its own points where it is one over
   * the plane. */
  enlarge(parent, place, neuron) {
    const values = this.values?.[place]
    if (!values?.maps) return null
    const { width, height } = values
    const square = height > 1
    const large = make("canvas", "", parent)
    large.width = 150
    large.height = square ? (150 * height) / width : 30
    const turns = this.answers(place)
    const sheet = this.paint(values, turns)
    const pen = large.getContext("2d")
    pen.imageSmoothingEnabled = square
    pen.imageSmoothingQuality = "high"
    pen.drawImage(sheet, 0, neuron * height, width, height, 0, 0, large.width, large.height)
    if (!this.flipped || !turns) return null
    const small = document.createElement("canvas")
    small.width = width
    small.height = height
    small.getContext("2d").drawImage(sheet, 0, -neuron * height)
    return small.toDataURL()
  }
}

/** The colour of each of 255 levels from negative to positive, as the bytes of a pixel. */
function ramp({ positive, negative, middle }) {
  const [low, between, high] = [negative, middle, positive].map(channels)
  return Uint32Array.from({ length: 256 }, (_, at) => {
    const value = Math.max(-1, (at - 128) / 127)
    const end = value < 0 ? low : high
    const [red, green, blue] = between.map((channel, i) => Math.round(channel + (end[i] - channel) * Math.abs(value)))
    return (255 << 24) | (blue << 16) | (green << 8) | red
  })
}
