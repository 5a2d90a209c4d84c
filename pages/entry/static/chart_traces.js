// What lies on the axes: lines, bands, points, words, heat maps, and lines of the layout.

const search = new URL(import.meta.url).search
const { arrayOf, linesOf, numbersOf } = await import("./chart_values.js" + search)
const { edgesOf, shapeOf } = await import("./chart_axes.js" + search)
const { colourAt, smoothPicture } = await import("./smooth_area.js" + search)

const LINE_HEIGHT = 1.3
const SQRT_3 = Math.sqrt(3)

/** Lengths of a line's dashes and gaps, by Plotly's names. */
export function dashOf(name, width) {
  const unit = Math.max(width, 3)
  const lengths = { dot: [1, 1], dash: [3, 3], longdash: [5, 5], dashdot: [3, 1, 1, 1], longdashdot: [5, 2, 1, 2] }
  return (lengths[name] ?? []).map(length => length * unit)
}

/** The outlines of symbols of radius r. */
const SYMBOLS = {
  circle: (pen, r) => pen.arc(0, 0, r, 0, 2 * Math.PI),
  diamond: (pen, r) => polygon(pen, [[1.3 * r, 0], [0, 1.3 * r], [-1.3 * r, 0], [0, -1.3 * r]]),
  square: (pen, r) => polygon(pen, [[r, r], [-r, r], [-r, -r], [r, -r]]),
  "triangle-up": (pen, r) => polygon(pen, [[(-2 * r) / SQRT_3, r / 2], [(2 * r) / SQRT_3, r / 2], [0, -r]]),
  "triangle-down": (pen, r) => polygon(pen, [[(-2 * r) / SQRT_3, -r / 2], [(2 * r) / SQRT_3, -r / 2], [0, r]]),
}

const isOpen = symbol => symbol.endsWith("-open")

export function knownSymbol(symbol = "circle") {
  return symbol.replace(/-open$/, "") in SYMBOLS
}

function polygon(pen, points) {
  points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)))
  pen.closePath()
}

/** How a marker is filled and outlined; `at` picks the colour of one point. */
export function symbolOf(marker) {
  const symbol = marker.symbol ?? "circle"
  const fill = coloured(marker)
  const edge = coloured(marker.line ?? {})
  const width = marker.line?.width ?? 0
  return isOpen(symbol)
    ? { symbol: symbol.replace(/-open$/, ""), fill: null, edge: fill, width: width || 1 }
    : { symbol, fill, edge: width ? edge : null, width }
}

/** The colour of a point by its number: one for all, one for each, or from a scale. */
function coloured({ color, colorscale, cmin, cmax }) {
  if (typeof color === "string" || color === undefined) return () => color
  const values = arrayOf(color)
  if (typeof values[0] === "string") return at => values[at]
  const shades = Array.from({ length: 256 }, (_, at) => cssOf(colourAt(colorscale, at / 255)))
  return at => shades[Math.round(255 * Math.min(1, Math.max(0, (values[at] - cmin) / (cmax - cmin))))] ?? "transparent"
}

const cssOf = number => `rgb(${number & 255},${(number >> 8) & 255},${(number >> 16) & 255})`

export function drawMarker(pen, { symbol, fill, edge, width, size }, at, number) {
  pen.beginPath()
  SYMBOLS[symbol](pen, size / 2)
  if (fill) {
    pen.fillStyle = fill(number)
    pen.fill()
  }
  if (edge) {
    pen.strokeStyle = edge(number)
    pen.lineWidth = width
    pen.stroke()
  }
}

/** A trace with its axes; `before` is the trace that a band reaches down to. */
export function drawScatter(pen, trace, x, y, before) {
  const points = placesOf(trace, x, y)
  pen.globalAlpha = trace.opacity ?? 1
  if (trace.fill === "tonexty") drawBand(pen, trace, points, placesOf(before, x, y))
  if (trace.fill === "toself") drawFilled(pen, trace, points)
  if (trace.mode.includes("lines") && (trace.line?.width ?? 2) > 0) drawLine(pen, trace.line, points)
  if (trace.mode.includes("markers")) drawPoints(pen, trace.marker ?? {}, points, trace.opacity ?? 1)
  if (trace.mode.includes("text")) drawWords(pen, trace, points)
  pen.globalAlpha = 1
}

function placesOf(trace, x, y) {
  const [across, up] = [numbersOf(trace, "x", x), numbersOf(trace, "y", y)]
  const count = Math.min(across.length, up.length)
  const places = new Float64Array(2 * count)
  for (let at = 0; at < count; at++) {
    places[2 * at] = x.at(across[at])
    places[2 * at + 1] = y.at(up[at])
  }
  return trace.line?.shape === "hv" ? stairs(places) : places
}

/** Each value lasts until the place of the next. */
function stairs(places) {
  const steps = []
  for (let at = 0; at < places.length; at += 2) {
    if (at) steps.push(places[at], places[at - 1])
    steps.push(places[at], places[at + 1])
  }
  return steps
}

function trail(pen, points, backwards = false) {
  let drawing = false
  for (let at = 0; at < points.length; at += 2) {
    const from = backwards ? points.length - 2 - at : at
    const [x, y] = [points[from], points[from + 1]]
    if (!Number.isFinite(x) || !Number.isFinite(y)) drawing = false
    else if (drawing) pen.lineTo(x, y)
    else {
      pen.moveTo(x, y)
      drawing = true
    }
  }
}

function drawLine(pen, line, points) {
  pen.strokeStyle = line.color
  pen.lineWidth = line.width ?? 2
  pen.lineJoin = "round"
  pen.setLineDash(dashOf(line.dash, pen.lineWidth))
  pen.beginPath()
  trail(pen, points)
  pen.stroke()
  pen.setLineDash([])
}

function drawBand(pen, trace, upper, lower) {
  const finite = at => [upper[at], upper[at + 1], lower[at], lower[at + 1]].every(Number.isFinite)
  pen.fillStyle = trace.fillcolor
  pen.beginPath()
  for (let start = 0; start < upper.length; ) {
    if (!finite(start)) {
      start += 2
      continue
    }
    let end = start
    while (end < upper.length && finite(end)) end += 2
    pen.moveTo(upper[start], upper[start + 1])
    for (let at = start + 2; at < end; at += 2) pen.lineTo(upper[at], upper[at + 1])
    for (let at = end - 2; at >= start; at -= 2) pen.lineTo(lower[at], lower[at + 1])
    pen.closePath()
    start = end
  }
  pen.fill()
}

function drawFilled(pen, trace, points) {
  pen.fillStyle = trace.fillcolor
  pen.beginPath()
  trail(pen, points)
  pen.fill("evenodd")
}

function drawPoints(pen, marker, points, opacity) {
  const look = { ...symbolOf(marker), size: marker.size ?? 6 }
  pen.globalAlpha = opacity * (marker.opacity ?? 1)
  for (let at = 0; at < points.length; at += 2) {
    if (!Number.isFinite(points[at]) || !Number.isFinite(points[at + 1])) continue
    pen.translate(points[at], points[at + 1])
    drawMarker(pen, look, 0, at / 2)
    pen.translate(-points[at], -points[at + 1])
  }
}

function drawWords(pen, trace, points) {
  const { size, color } = trace.textfont
  pen.save()
  pen.font = pen.font.replace(/^[\d.]+px/, `${size}px`)
  pen.textAlign = "center"
  trace.text.forEach((text, at) => {
    pen.fillStyle = Array.isArray(color) ? color[at] : color
    const lines = linesOf(text)
    const top = points[2 * at + 1] - ((lines.length - 1) * LINE_HEIGHT * size) / 2
    lines.forEach((line, row) => pen.fillText(line, points[2 * at], top + row * LINE_HEIGHT * size + 0.35 * size))
  })
  pen.restore()
}

const sheet = document.createElement("canvas")

/** A heat map: interpolated where it has a smooth form, as one picture, or cell by cell where there are gaps. */
export function drawHeatmap(pen, trace, x, y) {
  const [across, up] = [edgesOf(trace, "x", x), edgesOf(trace, "y", y)]
  const smooth = trace.meta?.smooth && smoothPicture(trace)
  if (smooth) return place(pen, smooth, [x.at(across[0]), x.at(across.at(-1)), y.at(up.at(-1)), y.at(up[0])])
  const [rows, columns] = shapeOf(trace)
  const cells = Array.isArray(trace.z) ? trace.z.flat() : arrayOf(trace.z)
  const shades = Array.from({ length: 256 }, (_, at) => colourAt(trace.colorscale, at / 255))
  const shade = at => {
    const share = (cells[at] - trace.zmin) / (trace.zmax - trace.zmin)
    return Number.isFinite(share) ? shades[Math.round(255 * Math.min(1, Math.max(0, share)))] : 0
  }
  const gap = [trace.xgap ?? 0, trace.ygap ?? 0]
  if (!gap[0] && !gap[1] && isEven(across) && isEven(up)) {
    sheet.width = columns
    sheet.height = rows
    const brush = sheet.getContext("2d")
    const picture = brush.createImageData(columns, rows)
    const pixels = new Uint32Array(picture.data.buffer)
    const flip = y.at(up[0]) > y.at(up.at(-1))
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        pixels[(flip ? rows - 1 - row : row) * columns + column] = shade(row * columns + column)
      }
    }
    brush.putImageData(picture, 0, 0)
    pen.imageSmoothingEnabled = trace.zsmooth === "fast"
    const [top, bottom] = [y.at(up[0]), y.at(up.at(-1))].sort((a, b) => a - b)
    place(pen, sheet, [x.at(across[0]), x.at(across.at(-1)), top, bottom])
    pen.imageSmoothingEnabled = true
    return
  }
  const [columnsAt, rowsAt] = [[...across].map(at => Math.round(x.at(at))), [...up].map(at => Math.round(y.at(at)))]
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const colour = shade(row * columns + column)
      if (!colour) continue
      const [left, right] = [columnsAt[column], columnsAt[column + 1]].sort((a, b) => a - b)
      const [top, bottom] = [rowsAt[row], rowsAt[row + 1]].sort((a, b) => a - b)
      pen.fillStyle = cssOf(colour)
      pen.fillRect(left + gap[0] / 2, top + gap[1] / 2, right - left - gap[0], bottom - top - gap[1])
    }
  }
}

function place(pen, picture, [left, right, top, bottom]) {
  pen.drawImage(picture, left, top, right - left, bottom - top)
}

function isEven(edges) {
  const step = edges[1] - edges[0]
  return edges.every((edge, at) => at === 0 || Math.abs(edge - edges[at - 1] - step) < 1e-3 * Math.abs(step))
}

/** A line or a frame of the layout; paper coordinates reach from one end of the axis to the other. */
export function drawShape(pen, shape, x, y) {
  const across = at => (shape.xref === "paper" ? x.start + at * x.length : x.at(at))
  const up = at => (shape.yref === "paper" ? y.start - at * y.length : y.at(at))
  pen.strokeStyle = shape.line.color
  pen.lineWidth = shape.line.width ?? 2
  pen.globalAlpha = shape.opacity ?? 1
  pen.setLineDash(dashOf(shape.line.dash, pen.lineWidth))
  pen.beginPath()
  const [left, right, top, bottom] = [across(shape.x0), across(shape.x1), up(shape.y0), up(shape.y1)]
  if (shape.type === "rect") pen.rect(left, top, right - left, bottom - top)
  else {
    pen.moveTo(left, top)
    pen.lineTo(right, bottom)
  }
  pen.stroke()
  pen.setLineDash([])
  pen.globalAlpha = 1
}
