// Axes as Plotly makes them: their ranges around the data, their ticks, and the way from values to pixels.

const search = new URL(import.meta.url).search
const { arrayOf, formatted, linesOf, numbersOf } = await import("./chart_values.js" + search)

/** The share of an axis that stays free beyond its data. */
const ROOM = 0.05
const HUGE = Number.MAX_VALUE * 1e-4
const DIGITS = [0, 0.301, 0.477, 0.602, 0.699, 0.778, 0.845, 0.903, 0.954, 1]
const TWO_FIVE = [0, 0.301, 0.699, 1]

/** 'x2' as 'xaxis2'. */
export const nameOf = id => `${id[0]}axis${id.slice(1)}`

/** An axis of a layout with the traces that lie on it; it gets its range and its place when the figure's size is known. */
export class Axis {
  constructor(id, layout, data) {
    Object.assign(this, { id, letter: id[0], options: layout[nameOf(id)] ?? {} })
    this.shapes = (layout.shapes ?? []).filter(shape => (shape[`${this.letter}ref`] ?? this.letter) === id)
    this.traces = data.filter(trace => (trace[`${this.letter}axis`] ?? this.letter) === id)
    this.log = this.options.type === "log"
    this.side = this.options.side ?? (this.letter === "x" ? "bottom" : "left")
    this.visible = this.options.visible !== false
    if (this.options.type === "category") this.categories = categoriesOf(this.traces, this.letter)
    this.title = this.visible && this.options.title?.text ? linesOf(this.options.title.text) : null
  }

  placeOf(value) {
    const found = this.categories.get(String(value))
    return found ?? (typeof value === "number" ? value : NaN)
  }

  /** A value where it lies on a linear scale. */
  linear(value) {
    return this.log ? Math.log10(value) : value
  }

  /** Gives the axis `length` pixels, and the range that goes with them. */
  stretch(length) {
    const { autorange, range } = this.options
    this.length = length
    this.range = range && autorange !== true ? [...range] : this.fitted()
    if (!range && autorange === "reversed") this.range.reverse()
  }

  /** Puts the axis at its place: `start` is the pixel of its left or lower end. */
  put(start, length) {
    this.start = start
    this.length = length
    const [from, to] = this.range
    const step = (this.letter === "x" ? length : -length) / (to - from || 1)
    this.pixel = at => start + (at - from) * step
    this.at = value => this.pixel(this.linear(value))
  }

  /** The range that shows all data, with room at both ends where Plotly leaves some. */
  fitted() {
    const [lows, highs] = this.extremes()
    if (!lows.length) return this.log ? [0, 6] : [-1, this.letter === "x" ? 6 : 4]
    const { options, length } = this
    const toZero = options.rangemode === "tozero" && !this.log
    const padding = end => (end.nothing ? 0 : end.pixels + (end.room ? ROOM * length : 0))
    const least = Math.min(...lows.map(end => end.value))
    const most = Math.max(...highs.map(end => end.value))
    let found
    if (least === most) {
      found = [least - 1, least + 1]
      if (toZero && least === 0) found = [0, 1]
      else if (toZero) {
        const share = Math.max(...(least > 0 ? highs : lows).map(padding)) / length
        const end = least / (1 - Math.min(0.5, share))
        found = least > 0 ? [0, end] : [end, 0]
      }
    } else {
      let [low, high, best] = [null, null, 0]
      for (const one of lows) {
        for (const other of highs) {
          const span = other.value - one.value
          const free = length - padding(one) - padding(other)
          const tight = free <= length / 10
          if (span <= 0 || span / (tight ? length : free) <= best) continue
          best = span / (tight ? length : free)
          low = tight ? { ...one, nothing: true } : one
          high = tight ? { ...other, nothing: true } : other
        }
      }
      if (toZero && low.value >= 0) low = { value: 0, nothing: true }
      if (toZero && high.value <= 0) high = { value: 0, nothing: true }
      const scale = (high.value - low.value) / (length - padding(low) - padding(high))
      found = [low.value - scale * padding(low), high.value + scale * padding(high)]
    }
    return this.limited(found)
  }

  limited([low, high]) {
    const { clipmin, clipmax, minallowed, maxallowed } = this.options.autorangeoptions ?? {}
    if (minallowed !== undefined) low = minallowed
    else if (clipmin !== undefined) low = Math.max(low, this.linear(clipmin))
    if (maxallowed !== undefined) high = maxallowed
    else if (clipmax !== undefined) high = Math.min(high, this.linear(clipmax))
    return [low, high]
  }

  /** Both ends of everything that must be seen, each with the pixels that it needs beyond. */
  extremes() {
    const [lows, highs] = [[], []]
    const add = (least, most, pixels, room) => {
      if (!(least <= most)) return
      lows.push({ value: this.linear(least), pixels, room })
      highs.push({ value: this.linear(most), pixels, room })
    }
    for (const trace of this.traces) {
      const numbers = trace.type === "heatmap" ? edgesOf(trace, this.letter, this) : numbersOf(trace, this.letter, this)
      const [least, most] = ends(numbers, this.log)
      if (trace.type === "heatmap") add(least, most, 0, false)
      else {
        const points = /markers|text/.test(trace.mode)
        const tight = this.letter === "x" && (trace.fill === "tonexty" || !points)
        const size = trace.mode.includes("markers") ? Math.max((trace.marker?.size ?? 6) / 1.6, 3) : 0
        add(least, most, tight ? 0 : size, !tight)
      }
    }
    for (const { x0, x1, y0, y1, line } of this.shapes) {
      const both = this.letter === "x" ? [x0, x1] : [y0, y1]
      add(Math.min(...both), Math.max(...both), (line?.width ?? 2) / 2, false)
    }
    return [lows, highs]
  }

  /** The ticks in the range: where each lies on the linear scale, and its lines of text. */
  ticks() {
    if (!this.visible) return []
    const { options } = this
    const reach = (this.range[1] - this.range[0]) * 1e-4
    const [low, high] = [this.range[0] - reach, this.range[1] + reach].sort((a, b) => a - b)
    const inside = at => at >= low && at <= high
    if (options.tickvals) {
      return options.tickvals
        .map((value, index) => {
          const at = this.categories ? this.placeOf(value) : this.linear(value)
          return { at, text: options.ticktext?.[index] ?? this.label(at, value) }
        })
        .filter(tick => inside(tick.at))
        .map(tick => ({ ...tick, lines: linesOf(tick.text) }))
    }
    if (this.categories) {
      const names = [...this.categories.keys()]
      const step = options.dtick ?? Math.ceil(Math.max(1, names.length / (options.nticks || this.length / (1.2 * 12))))
      return names.map((name, at) => ({ at, lines: linesOf(name) })).filter(({ at }) => at % step === 0 && inside(at))
    }
    const rough = Math.abs(this.range[1] - this.range[0]) / (options.nticks || this.usual())
    const [places, step] = this.log ? logarithmic(low, high, rough, this.range) : even(low, high, options.dtick ?? nice(rough))
    const format = (options.tickformatstops ?? []).find(stop => stopHolds(stop, step))?.value ?? options.tickformat
    return places.map(at => ({ at, lines: [formatted(this.log ? 10 ** at : at, format)] }))
  }

  usual() {
    return Math.min(9, Math.max(4, this.length / (this.letter === "y" ? 40 : 80))) + 1
  }

  label(at, value) {
    if (this.categories) return [...this.categories.keys()][at] ?? String(value)
    return this.options.tickformat ? formatted(value, this.options.tickformat) : String(value)
  }
}

function categoriesOf(traces, letter) {
  const names = new Map()
  for (const trace of traces) for (const name of arrayOf(trace[letter])) if (!names.has(String(name))) names.set(String(name), names.size)
  return names
}

/** Rows and columns of a heat map. */
export function shapeOf(trace) {
  if (Array.isArray(trace.z)) return [trace.z.length, trace.z[0]?.length ?? 0]
  return trace.z.shape.split(",").map(Number)
}

/** The borders of a heat map's cells along an axis. */
export function edgesOf(trace, letter, axis) {
  const [rows, columns] = shapeOf(trace)
  const count = letter === "x" ? columns : rows
  if (trace[letter] === undefined) {
    const [start, step] = [trace[`${letter}0`] ?? 0, trace[`d${letter}`] ?? 1]
    return Float64Array.from({ length: count + 1 }, (_, at) => start + (at - 0.5) * step)
  }
  const middles = numbersOf(trace, letter, axis)
  if (middles.length === count + 1) return middles
  return Float64Array.from({ length: count + 1 }, (_, at) => {
    if (count === 1) return middles[0] + at - 0.5
    if (at === 0) return middles[0] - (middles[1] - middles[0]) / 2
    if (at === count) return middles[count - 1] + (middles[count - 1] - middles[count - 2]) / 2
    return (middles[at - 1] + middles[at]) / 2
  })
}

function ends(numbers, log) {
  let [least, most] = [Infinity, -Infinity]
  for (const value of numbers) {
    if (!(Math.abs(value) < HUGE) || (log && value <= 0)) continue
    if (value < least) least = value
    if (value > most) most = value
  }
  return [least, most]
}

/** The least of 2, 5 and 10 times a power of ten above `rough`, or that power itself where it is as large. */
function nice(rough) {
  const base = 10 ** Math.floor(Math.log10(rough))
  return base * ([2, 5].find(factor => factor > rough / base) ?? 10)
}

function even(low, high, step) {
  const first = Math.ceil(low / step)
  const decimals = Math.min(100, Math.max(0, 2 - Math.floor(Math.log10(step))))
  const count = Math.min(1000, Math.floor(high / step) - first + 1)
  return [Array.from({ length: Math.max(0, count) }, (_, at) => Number(((first + at) * step).toFixed(decimals)) + 0), step]
}

function logarithmic(low, high, rough, range) {
  if (rough > 0.7) return even(low, high, Math.ceil(rough))
  const span = Math.abs(range[1] - range[0])
  if (span < 1) {
    const [from, to] = [10 ** low, 10 ** high]
    const width = Math.abs(10 ** range[1] - 10 ** range[0])
    return [even(from, to, nice((width * rough) / (1.5 * span)))[0].map(Math.log10), ""]
  }
  const digits = rough > 0.3 ? TWO_FIVE : DIGITS
  const places = []
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const digit of digits.slice(0, -1)) places.push(power + Math.log10(Math.round(10 ** digit)))
  }
  return [places.filter(at => at >= low && at <= high), ""]
}

function stopHolds({ dtickrange: [from, to] }, step) {
  return typeof step === "number" && (from === null || step >= from) && (to === null || step <= to)
}
