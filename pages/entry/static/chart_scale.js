// The bar beside a chart that says what its colours mean, as Plotly sets it.

const search = new URL(import.meta.url).search
const { isFormat, linesOf } = await import("./chart_values.js" + search)
const { Axis } = await import("./chart_axes.js" + search)

const PLACE = 1.02 // of the chart's width, from its left
const PAD = 10
const LABELS = 2.9 // from the bar to its labels
const TITLE = 14
const TITLE_ROOM = 21
const FONT = 12

/** The bar's settings, with its colours and their range; undefined where a figure has none. */
export function scaleOf(data) {
  const trace = data.find(one => one.marker?.showscale || one.showscale === true)
  if (!trace) return undefined
  const { colorbar = {}, colorscale, cmin, cmax } = trace.marker ?? {}
  return { ...colorbar, stops: colorscale, range: [cmin, cmax] }
}

export function canDrawScale({ colorbar = {}, colorscale, cmin, cmax }) {
  const { orientation, x, y, title, tickvals, tickformat, len, thickness } = colorbar
  const plain = [orientation, x, y, tickvals].every(one => one === undefined)
  const titled = !title?.text || title.side === "top"
  return plain && titled && isFormat(tickformat ?? "") && len <= 1 && thickness > 0 && Array.isArray(colorscale) && cmin < cmax
}

/** The bar in an area, with its labels; `wide` measures words of a size. */
export function planScale(scale, area, wide) {
  const length = Math.round(scale.len * area.height)
  const title = scale.title?.text ? linesOf(scale.title.text)[0] : ""
  const above = PAD + (title ? TITLE_ROOM : 0)
  const axis = new Axis("y", { yaxis: { range: scale.range, tickformat: scale.tickformat, nticks: scale.nticks } }, [])
  const start = (area.height - length) / 2
  const top = area.top + Math.round(start + above)
  const high = length - above - PAD
  axis.stretch(high)
  axis.put(top + high, high)
  const ticks = axis.ticks()
  const labels = Math.max(0, ...ticks.map(({ lines }) => wide(lines[0], FONT)))
  const left = area.left + Math.round(PLACE * area.width + PAD)
  return {
    axis, ticks, left, top, high, title,
    titleLeft: area.left + PLACE * area.width + PAD,
    titleBase: area.top + start + PAD + 3 + 0.75 * TITLE,
    width: 2 * PAD + Math.max(scale.thickness + labels, title ? wide(title, TITLE) : 0),
  }
}

/** The margin at the right that the bar needs beside a chart whose left margin is `left`. */
export function marginOf({ width }, left, whole, pad) {
  return (width + pad + (PLACE - 1) * (whole - left)) / PLACE
}

export function drawScale(pen, scale, plan, write) {
  const { axis, ticks, left, top, high, title } = plan
  const shades = pen.createLinearGradient(0, top + high, 0, top)
  for (const [at, colour] of scale.stops) shades.addColorStop(at, colour)
  pen.fillStyle = shades
  pen.fillRect(left, top, scale.thickness, high)
  for (const { at, lines } of ticks) write(lines[0], FONT, left + scale.thickness + LABELS, axis.pixel(at) + 0.35 * FONT)
  if (title) write(title, TITLE, plan.titleLeft, plan.titleBase)
}
