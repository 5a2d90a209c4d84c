// The legend above a chart, in rows, as Plotly sets it.

const search = new URL(import.meta.url).search
const { linesOf } = await import("./chart_values.js" + search)
const { dashOf, drawMarker, symbolOf } = await import("./chart_traces.js" + search)

const GAP = 5
const SAMPLE = 30 // the length of a line's sample
const TEXT = SAMPLE + 2 * GAP // where the words begin
const ROW = 19

/** Where each entry stands within the legend, and the size of the whole; null where there is none. */
export function legendOf({ data, layout }, width, wide) {
  if (layout.showlegend === false) return null
  const entries = data.filter(trace => trace.showlegend !== false && trace.visible !== false && trace.name !== undefined)
  if (!entries.length) return null
  const named = entries.map(trace => ({ trace, words: linesOf(trace.name).join(" ") }))
  const widths = named.map(({ words }) => TEXT + wide(words))
  const most = Math.max(...widths)
  const room = Math.max(width, 2 * TEXT)
  const oneRow = widths.reduce((sum, one) => sum + one, 0) + (widths.length - 1) * GAP < room
  let [x, y] = [0, 0]
  const places = named.map((entry, at) => {
    const next = (oneRow ? widths[at] : most) + GAP
    if (next + x - GAP >= room) [x, y] = [0, y + ROW]
    const place = { ...entry, x, y: y + ROW / 2 + GAP }
    x += next
    return place
  })
  return { places, height: y + ROW + 2 * GAP }
}

export function drawLegend(pen, { places, height }, left, bottom, colour) {
  for (const { trace, words, x, y } of places) {
    pen.save()
    pen.translate(left + x, bottom - height + y)
    drawSample(pen, trace)
    pen.restore()
    pen.fillStyle = colour
    pen.textAlign = "left"
    pen.fillText(words, left + x + TEXT, bottom - height + y + 0.3 * 15.6)
  }
}

function drawSample(pen, trace) {
  const lines = trace.mode.includes("lines")
  const line = lines ? (trace.line?.width ?? 2) : 0
  if (trace.fill && trace.fill !== "none") {
    pen.fillStyle = trace.fillcolor
    pen.fillRect(GAP, trace.mode.includes("markers") ? 0 : line ? -2 : -3, SAMPLE, 6)
  }
  if (line) {
    const width = Math.min(10, line)
    const y = trace.fill && !trace.mode.includes("markers") ? -2 : 0
    pen.strokeStyle = trace.line.color
    pen.lineWidth = width
    pen.setLineDash(dashOf(trace.line.dash, width))
    pen.beginPath()
    pen.moveTo(GAP, y)
    pen.lineTo(GAP + SAMPLE, y)
    pen.stroke()
    pen.setLineDash([])
  }
  if (trace.mode.includes("markers")) {
    const marker = trace.marker ?? {}
    pen.globalAlpha = marker.opacity ?? 1
    pen.translate(TEXT / 2, 0)
    drawMarker(pen, { ...symbolOf(marker), size: Math.min(16, Math.max(2, marker.size ?? 6)) }, 0, 0)
  }
}
