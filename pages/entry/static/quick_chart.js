// Charts on a canvas: the part of Plotly's figures that move while a run goes on, drawn as Plotly draws them, in a
// hundredth of the time and without its megabytes. What is not in that part, and what only Plotly can do (zoom, pan,
// legend entries that are switched off, pictures to keep), is left to Plotly.

const search = new URL(import.meta.url).search
const { isFormat, linesOf } = await import("./chart_values.js" + search)
const { Axis } = await import("./chart_axes.js" + search)
const { drawHeatmap, drawScatter, drawShape, knownSymbol } = await import("./chart_traces.js" + search)
const { canDrawScale, drawScale, marginOf, planScale, scaleOf } = await import("./chart_scale.js" + search)
const { drawLegend, legendOf } = await import("./chart_legend.js" + search)

const FONT = 12
const TITLE = 14
const LINE_HEIGHT = 1.3
const TURNS = [0, 30, 90] // degrees that crowded labels may be turned by

const TRACES = {
  scatter: trace =>
    /^(lines|markers|text|lines\+markers)$/.test(trace.mode) &&
    [undefined, "none", "tonexty", "toself"].includes(trace.fill) &&
    [undefined, "linear", "hv"].includes(trace.line?.shape) &&
    (!trace.mode.includes("lines") || trace.line?.width === 0 || typeof trace.line?.color === "string") &&
    (!trace.mode.includes("markers") || drawable(trace.marker ?? {})) &&
    (!trace.mode.includes("text") || (Array.isArray(trace.text) && trace.textfont?.size > 0 && !trace.textposition)),
  heatmap: trace =>
    trace.showscale === false && trace.zmin !== undefined && trace.zmax !== undefined &&
    Array.isArray(trace.colorscale) && [undefined, false, "fast"].includes(trace.zsmooth),
}

function drawable(marker) {
  const { color, colorscale, cmin, size = 6, showscale, line } = marker
  const plain = one => !one || typeof one === "string" || (Array.isArray(one) && typeof one[0] === "string")
  const scaled = (one, scale, low) => plain(one) || (scale && low !== undefined)
  return (
    (!showscale || canDrawScale(marker)) && typeof size === "number" && color !== undefined && scaled(color, colorscale, cmin) &&
    scaled(line?.color, line?.colorscale, line?.cmin)
  )
}

/** Whether `drawChart` can draw a figure. */
export function canDraw({ data, layout }) {
  const { legend = {}, scene, shapes = [], annotations = [], images, barmode } = layout
  if (scene || images?.length || barmode || layout.title) return false
  if (layout.showlegend !== false && (legend.orientation !== "h" || legend.title)) return false
  if (!data.every(trace => TRACES[trace.type]?.(trace) && (trace.mode === undefined || knownSymbol(trace.marker?.symbol)))) return false
  if (data[0]?.fill === "tonexty") return false
  if (!shapes.every(shape => ["line", "rect"].includes(shape.type) && !shape.fillcolor && shape.line?.color)) return false
  if (!annotations.every(note => !note.showarrow && note.xref === "paper" && note.yref === "paper")) return false
  return Object.keys(layout).filter(name => /^[xy]axis\d*$/.test(name)).every(name => canDrawAxis(layout[name]))
}

function canDrawAxis({ visible, type, tickformat, tickvals, ticktext, tickangle, ticks, domain, matches, showline, zeroline }) {
  if (domain || matches || tickangle || showline || zeroline) return false
  if (visible === false) return true
  if (![undefined, "linear", "log", "category"].includes(type) || ticks) return false
  return type === "category" || (tickvals && ticktext) || isFormat(tickformat ?? "")
}

/**
 * Draws a figure, in the page's colours already, on a canvas of `width` × `height` pixels of the page. `over` is a
 * picture that lies over heat maps and under points. Returns its axes, and the box of its heat map.
 */
export function drawChart(canvas, { data, layout }, { width, height, over }) {
  const scale = devicePixelRatio || 1
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high })
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const pen = canvas.getContext("2d")
  pen.setTransform(scale, 0, 0, scale, 0, 0)
  pen.clearRect(0, 0, width, height)
  const write = { pen, family: layout.font.family, colour: layout.font.color }
  const plan = planOf({ data, layout }, width, height, write)
  const { axes, area } = plan
  drawUnder(pen, layout, plan)
  const traces = data.filter(trace => trace.visible !== false).map((trace, at, all) => ({ trace, before: all[at - 1] }))
  const maps = traces.filter(({ trace }) => trace.type === "heatmap")
  const rest = traces.filter(({ trace }) => trace.type !== "heatmap")
  for (const one of maps) drawTrace(write, one, axes)
  const box = maps.length ? boxOf(maps[0].trace, axes) : null
  if (over && box) {
    pen.globalAlpha = 0.75
    pen.drawImage(over, box.left, box.top, box.width, box.height)
    pen.globalAlpha = 1
  }
  if (layout.meta?.plane) {
    // Points stay where they are while the answers move, but for the rings around the wrong ones, which come last.
    const moves = rest.filter(({ trace }) => trace.uid === "wrong")
    const stays = rest.filter(({ trace }) => trace.uid !== "wrong")
    pen.drawImage(keptLayer(canvas, { stays, layout, names: data.map(trace => trace.name) }, write, plan), 0, 0, width, height)
    for (const one of moves) drawTrace(write, one, axes)
  } else {
    for (const one of rest) drawTrace(write, one, axes)
    drawOver(write, layout, plan)
  }
  return { axes, area, plane: box }
}

const layers = new WeakMap() // what stays of a canvas's chart: a picture of it, and what it was drawn from

/** A picture of what stays, drawn again where it has changed. */
function keptLayer(canvas, { stays, layout, names }, write, plan) {
  const text = JSON.stringify([stays.map(({ trace }) => trace), names, layout, canvas.width, canvas.height])
  const kept = layers.get(canvas)
  if (kept?.text === text) return kept.layer
  const layer = kept?.layer ?? document.createElement("canvas")
  Object.assign(layer, { width: canvas.width, height: canvas.height })
  const pen = layer.getContext("2d")
  pen.setTransform(write.pen.getTransform())
  for (const one of stays) drawTrace({ ...write, pen }, one, plan.axes)
  drawOver({ ...write, pen }, layout, plan)
  layers.set(canvas, { text, layer })
  return layer
}

function drawUnder(pen, layout, { axes, area }) {
  for (const shape of layout.shapes ?? []) if (shape.layer === "below") drawShape(pen, shape, ...placesOf(shape, axes, area))
  for (const axis of axes.values()) drawGrid(pen, axis, axes)
}

function drawTrace(write, { trace, before }, axes) {
  const { pen } = write
  const [x, y] = [axes.get(trace.xaxis ?? "x"), axes.get(trace.yaxis ?? "y")]
  pen.save()
  if (trace.cliponaxis !== false) {
    pen.beginPath()
    pen.rect(x.start, y.start - y.length, x.length, y.length)
    pen.clip()
  }
  setFont(write, FONT)
  if (trace.type === "heatmap") drawHeatmap(pen, trace, x, y)
  else drawScatter(pen, trace, x, y, before)
  pen.restore()
}

/** What lies on all traces and around them. */
function drawOver(write, layout, plan) {
  const { pen, colour } = write
  const { axes, area, legend, scale, bar } = plan
  for (const shape of layout.shapes ?? []) {
    if (shape.layer === "below") continue
    pen.save()
    clipTo(pen, shape, axes)
    drawShape(pen, shape, ...placesOf(shape, axes, area))
    pen.restore()
  }
  for (const axis of axes.values()) drawLabels(write, axis, plan)
  if (legend) {
    setFont(write, FONT)
    drawLegend(pen, legend, area.left, area.top, colour)
  }
  if (scale) {
    pen.textAlign = "left"
    drawScale(pen, scale, bar, (words, size, x, y) => {
      pen.fillStyle = colour
      setFont(write, size)
      pen.fillText(words, x, y)
    })
  }
  for (const note of layout.annotations ?? []) drawNote(write, note, area)
}

/** Where a heat map lies on the canvas. */
function boxOf(trace, axes) {
  const [x, y] = [axes.get(trace.xaxis ?? "x"), axes.get(trace.yaxis ?? "y")]
  return { left: x.start, top: y.start - y.length, width: x.length, height: y.length }
}

function setFont({ pen, family }, size) {
  pen.font = `${size}px ${family}`
}

/** Margins, axes and legend for a figure of this size. What labels need is known when the axes are, so it goes around. */
function planOf({ data, layout }, width, height, write) {
  const ids = Object.keys(layout).filter(name => /^[xy]axis\d*$/.test(name)).map(name => name.replace("axis", ""))
  const axes = new Map(ids.map(id => [id, new Axis(id, layout, data)]))
  const margin = { l: 80, r: 80, t: 100, b: 80, ...layout.margin }
  const pad = Math.min(12, margin.l, margin.r, margin.t, margin.b)
  let sides = { ...margin }
  const scale = scaleOf(data)
  let [area, legend, bar] = []
  for (let turn = 0; turn < 3; turn++) {
    area = { left: sides.l, top: sides.t, width: width - sides.l - sides.r, height: height - sides.t - sides.b }
    setFont(write, FONT)
    legend = legendOf({ data, layout }, area.width, words => write.pen.measureText(words).width)
    spread(axes, area, layout)
    const needed = { ...margin }
    if (legend) needed.t = Math.max(needed.t, Math.min(legend.height, height / 2) + pad)
    for (const axis of axes.values()) {
      label(axis, write)
      if (axis.visible && axis.options.automargin) widen(needed, axis, area, pad)
    }
    if (scale) {
      bar = planScale(scale, area, (words, size) => {
        setFont(write, size)
        return write.pen.measureText(words).width
      })
      needed.r = Math.max(needed.r, marginOf(bar, needed.l, width, pad))
    }
    for (const side of Object.keys(needed)) needed[side] = Math.round(needed[side])
    if (["l", "r", "t", "b"].every(side => needed[side] === sides[side])) break
    sides = needed
  }
  return { axes, area, legend, scale, bar, width, height }
}

/** Gives the axes their ranges and places, those of a square the same length for the same distance. */
function spread(axes, area, layout) {
  const [x, y] = [axes.get("x"), axes.get("y")]
  for (const axis of axes.values()) axis.stretch(axis.letter === "x" ? area.width : area.height)
  let [across, up] = [area.width, area.height]
  if (layout.yaxis?.scaleanchor === "x") {
    const ratio = layout.yaxis.scaleratio ?? 1
    const [wide, high] = [Math.abs(x.range[1] - x.range[0]), Math.abs(y.range[1] - y.range[0]) * ratio]
    const unit = Math.min(area.width / wide, area.height / high)
    ;[across, up] = [unit * wide, unit * high]
  }
  for (const axis of axes.values()) {
    if (axis.letter === "x") axis.put(area.left + (area.width - across) / 2, across)
    else axis.put(area.top + (area.height + up) / 2, up)
  }
}

/** The ticks of an axis with the size of their labels, and how far those reach from the axis. */
function label(axis, write) {
  const { pen } = write
  const { options } = axis
  const size = options.tickfont?.size ?? FONT
  setFont(write, size)
  const [above, below] = heightsOf(pen)
  Object.assign(axis, { size, above, below })
  axis.away = 1 + (options.ticklabelstandoff ?? 0)
  axis.found = axis.ticks()
  for (const tick of axis.found) tick.width = Math.max(...tick.lines.map(line => pen.measureText(line).width))
  const most = Math.max(0, ...axis.found.map(tick => tick.width))
  axis.turn = axis.letter === "x" ? turnOf(axis, size) : 0
  const lines = Math.max(1, ...axis.found.map(tick => tick.lines.length))
  const angle = (axis.turn * Math.PI) / 180
  if (!axis.found.length) axis.depth = 0
  else if (axis.letter === "y") axis.depth = axis.away + most
  else if (!axis.turn) axis.depth = Math.round(axis.away + size + below + (lines - 1) * LINE_HEIGHT * size)
  else axis.depth = Math.round(axis.away + size / 2 + most * Math.sin(angle) + (size / 2 + below) * Math.cos(angle))
}

/** How far letters of the font that is set reach above their line and below it, in whole pixels as browsers round it. */
function heightsOf(pen) {
  const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = pen.measureText("0")
  return [Math.round(above), Math.round(below)]
}

/** Degrees by which labels are turned that would lie upon each other. */
function turnOf({ found, pixel, options }, size) {
  if (options.tickangle !== undefined || found.length < 2) return 0
  const crowded = found.some((tick, at) => {
    const next = found[at + 1]
    return next && Math.abs(pixel(next.at) - pixel(tick.at)) < (tick.width + next.width) / 2 + 2
  })
  if (!crowded) return 0
  const apart = Math.abs(pixel(found.at(-1).at) - pixel(found[0].at)) / (found.length - 1)
  const most = apart / Math.hypot(apart, size * 1.25 * Math.max(...found.map(tick => tick.lines.length)))
  return TURNS.find(turn => Math.cos((turn * Math.PI) / 180) <= most) ?? 90
}

function widen(needed, axis, area, pad) {
  const side = axis.side[0]
  const title = axis.title ? TITLE * (0.7 + (axis.title.length - 1) * LINE_HEIGHT) + (axis.options.title.standoff ?? 0) : 0
  needed[side] = Math.max(needed[side], axis.depth + title + pad)
  if (axis.letter === "x" && axis.found.length) {
    const [first, last] = [axis.found[0], axis.found.at(-1)]
    const left = axis.start - (axis.pixel(first.at) - (axis.turn ? 0 : first.width / 2))
    const right = axis.pixel(last.at) + (axis.turn ? last.width * Math.cos((axis.turn * Math.PI) / 180) : last.width / 2) - axis.start - axis.length
    if (left > 0) needed.l = Math.max(needed.l, left + pad)
    if (right > 0) needed.r = Math.max(needed.r, right + pad)
  } else if (axis.found.length) {
    const places = axis.found.map(tick => axis.pixel(tick.at) + (axis.options.ticklabelshift ?? 0) + 0.35 * axis.size)
    const above = area.top - (Math.min(...places) - axis.above)
    const below = Math.max(...places) + axis.below - area.top - area.height
    if (above > 0) needed.t = Math.max(needed.t, above + pad)
    if (below > 0) needed.b = Math.max(needed.b, below + pad)
  }
}

/** The axes that a shape lies on; paper reaches over the whole area. */
function placesOf(shape, axes, area) {
  const x = shape.xref === "paper" ? { start: area.left, length: area.width } : axes.get(shape.xref ?? "x")
  const y = shape.yref === "paper" ? { start: area.top + area.height, length: area.height } : axes.get(shape.yref ?? "y")
  return [x, y]
}

function clipTo(pen, shape, axes) {
  const x = shape.xref === "paper" ? null : axes.get(shape.xref ?? "x")
  const y = shape.yref === "paper" ? null : axes.get(shape.yref ?? "y")
  pen.beginPath()
  pen.rect(x?.start ?? -1e4, y ? y.start - y.length : -1e4, x?.length ?? 2e4, y?.length ?? 2e4)
  pen.clip()
}

function drawGrid(pen, axis, axes) {
  if (!axis.visible || axis.options.showgrid === false) return
  const other = axes.get(axis.options.anchor ?? (axis.letter === "x" ? "y" : "x"))
  pen.strokeStyle = axis.options.gridcolor
  pen.lineWidth = 1
  pen.beginPath()
  for (const { at } of axis.found) {
    const place = axis.pixel(at)
    if (Math.min(Math.abs(place - axis.start), Math.abs(Math.abs(place - axis.start) - axis.length)) <= 1) continue
    const crisp = Math.round(place - 0.5) + 0.5
    if (axis.letter === "x") {
      pen.moveTo(crisp, other.start)
      pen.lineTo(crisp, other.start - other.length)
    } else {
      pen.moveTo(other.start, crisp)
      pen.lineTo(other.start + other.length, crisp)
    }
  }
  pen.stroke()
}

function drawLabels(write, axis, { axes, width, height }) {
  if (!axis.visible) return
  const { pen, colour } = write
  const { size, away, turn } = axis
  const upright = axis.letter === "y"
  const other = axes.get(axis.options.anchor ?? (upright ? "x" : "y"))
  const right = axis.side === "right"
  const edge = upright ? other.start + (right ? other.length : 0) : other.start
  pen.fillStyle = axis.options.tickfont?.color ?? axis.options.color ?? colour
  setFont(write, size)
  const shift = axis.options.ticklabelshift ?? 0
  for (const { at, lines } of axis.found) {
    const place = axis.pixel(at) + shift
    pen.textAlign = upright ? (right ? "left" : "right") : turn ? "left" : "center"
    if (upright) {
      const top = place + 0.35 * size - ((lines.length - 1) / 2) * LINE_HEIGHT * size
      lines.forEach((line, row) => pen.fillText(line, edge + (right ? away : -away), top + row * LINE_HEIGHT * size))
    } else if (turn) {
      pen.save()
      pen.translate(place, edge + away + size / 2)
      pen.rotate((turn * Math.PI) / 180)
      lines.forEach((line, row) => pen.fillText(line, 0, size / 2 + row * LINE_HEIGHT * size))
      pen.restore()
    } else lines.forEach((line, row) => pen.fillText(line, place, edge + away + size + row * LINE_HEIGHT * size))
  }
  if (!axis.title) return
  const standoff = axis.options.title.standoff ?? 0
  pen.fillStyle = axis.options.color ?? colour
  setFont(write, TITLE)
  pen.textAlign = "center"
  const [above, below] = heightsOf(pen)
  const way = axis.depth + standoff + TITLE * (upright && !right ? 0.35 : 0.7)
  pen.save()
  // A title that has no room comes nearer to the labels, and stays on the chart.
  if (upright) {
    pen.translate(right ? Math.min(edge + way, width - below) : Math.max(edge - way, above), axis.start - axis.length / 2)
    pen.rotate(-Math.PI / 2)
  } else pen.translate(axis.start + axis.length / 2, Math.min(edge + way, height - below))
  axis.title.forEach((line, row) => pen.fillText(line, 0, row * LINE_HEIGHT * TITLE))
  pen.restore()
}

/** Words of the layout, placed by shares of the area. */
function drawNote(write, note, area) {
  const { pen, colour } = write
  const size = note.font?.size ?? FONT
  const lines = linesOf(note.text)
  setFont(write, size)
  const [wide, high] = [Math.max(...lines.map(line => pen.measureText(line).width)), lines.length * LINE_HEIGHT * size]
  const shares = { left: 0, center: 0.5, right: 1, top: 0, middle: 0.5, bottom: 1 }
  const auto = (at, names) => names[at < 1 / 3 ? 0 : at > 2 / 3 ? 2 : 1]
  const across = shares[note.xanchor ?? auto(note.x, ["left", "center", "right"])]
  const down = shares[note.yanchor ?? auto(1 - note.y, ["top", "middle", "bottom"])]
  const pad = 2 // the border that Plotly leaves around the words
  const left = area.left + note.x * area.width + (note.xshift ?? 0) - across * (wide + 2 * pad) + pad
  const top = area.top + (1 - note.y) * area.height - (note.yshift ?? 0) - down * (high + 2 * pad) + pad
  pen.fillStyle = note.font?.color ?? colour
  pen.textAlign = "center"
  lines.forEach((line, row) => pen.fillText(line, left + wide / 2, top + size + row * LINE_HEIGHT * size))
}
