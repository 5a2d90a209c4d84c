// Values of a Plotly figure as Plotly reads them: encoded arrays, numbers as text, labels without markup.

const ARRAYS = {
  f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, i2: Int16Array, i4: Int32Array,
}
const decoded = new WeakMap() // a figure is drawn more than once: at another size, in other colours

/** A list or an encoded array as something that can be indexed. */
export function arrayOf(value) {
  if (value == null || Array.isArray(value)) return value ?? []
  if (!decoded.has(value)) {
    const bytes = Uint8Array.from(atob(value.bdata), letter => letter.charCodeAt(0))
    decoded.set(value, new ARRAYS[value.dtype](bytes.buffer))
  }
  return decoded.get(value)
}

/** The numbers of a trace along an axis, 'x' or 'y'; categories become their places. NaN stands for a gap. */
export function numbersOf(trace, letter, axis) {
  if (trace[letter] === undefined) {
    const [start, step] = [trace[`${letter}0`] ?? 0, trace[`d${letter}`] ?? 1]
    const count = arrayOf(trace[letter === "x" ? "y" : "x"]).length
    return Float64Array.from({ length: count }, (_, at) => start + at * step)
  }
  const found = arrayOf(trace[letter])
  if (axis.categories) return Float64Array.from(found, value => axis.placeOf(value))
  return Array.isArray(found) ? Float64Array.from(found, value => value ?? NaN) : found
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" }

/** The lines of a label: `<br>` separates them, and entities stand for letters. */
export function linesOf(text) {
  return String(text).split(/<br\s*\/?>/i).map(line =>
    line.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
      code ? String.fromCodePoint(Number(code)) : (ENTITIES[name] ?? whole),
    ),
  )
}

const FORMAT = /^(,)?(?:\.(\d+))?(~)?([rsfd%]?)$/
const PREFIXES = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"]

/** Whether `formatted` knows a format of d3. */
export function isFormat(format) {
  return FORMAT.test(format) && format !== ""
}

/** A number as d3-format writes it, with a real minus sign as Plotly has it. */
export function formatted(value, format) {
  const [, comma, digits, trim, kind] = FORMAT.exec(format)
  const [size, unit] = written(Math.abs(value), kind || "r", digits === undefined ? undefined : Number(digits))
  let text = trim ? size.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : size
  if (comma) text = text.replace(/^\d+/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ","))
  return (value < 0 && Number(size) !== 0 ? "\u2212" : "") + text + unit
}

function written(size, kind, digits) {
  if (kind === "d") return [Math.round(size).toFixed(0), ""]
  if (kind === "f") return [size.toFixed(digits ?? 6), ""]
  if (kind === "%") return [(100 * size).toFixed(digits ?? 6), "%"]
  const figures = digits ?? 6
  if (kind === "r" || size === 0) return [rounded(size, figures), ""]
  const power = Math.max(-8, Math.min(8, Math.floor(exponent(size, figures) / 3)))
  return [rounded(size / 10 ** (3 * power), figures), PREFIXES[8 + power]]
}

/** With so many significant digits, never with an exponent. */
function rounded(size, digits) {
  if (size === 0) return (0).toFixed(Math.max(0, digits - 1))
  const decimals = digits - 1 - exponent(size, digits)
  return decimals >= 0 ? size.toFixed(Math.min(100, decimals)) : BigInt(Math.round(Number(size.toPrecision(digits)))).toString()
}

function exponent(size, digits) {
  return Number(size.toExponential(Math.max(0, digits - 1)).split("e")[1])
}
