// The numbers of the network's picture: from bytes to numbers, and from numbers to words.

const DECADES = 5 // powers of ten between the largest and the smallest size that 8 bits tell apart

/** A column's packed numbers as typed arrays. */
export function decode(column) {
  const read = packed => packed && numbers(packed)
  return {
    width: column.width,
    height: column.height,
    maps: column.maps && unpack(column.maps, Int8Array),
    low: read(column.low),
    high: read(column.high),
    weights: read(column.weights),
    gradients: read(column.gradients),
    updates: read(column.updates),
    biases: read(column.biases),
    biasGradients: read(column.bias_gradients),
    biasUpdates: read(column.bias_updates),
    peak: column.weights?.peak || 1,
  }
}

/** Bytes in base64 as a typed array. */
function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  return new Kind(bytes.buffer)
}

/** Numbers of 16 or 8 bits, in shares of the largest. */
function numbers({ peak, halves, decades }) {
  if (halves !== undefined) return Float32Array.from(unpack(halves, Uint16Array), word => half(word) * peak)
  return Float32Array.from(unpack(decades, Int8Array), level => {
    const size = Math.abs(level)
    return size ? Math.sign(level) * peak * 10 ** (((size - 127) * DECADES) / 126) : 0
  })
}

function half(word) {
  const exponent = (word >> 10) & 31
  const fraction = (word & 1023) / 1024
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction
  return word & 32768 ? -size : size
}

/** A number in so many digits. */
export function short(value, digits = 3) {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(1).replaceAll("-", "−")
  return String(Number(value.toPrecision(digits))).replace("-", "−")
}

/** A change, always with its sign. */
export function signed(value) {
  return value > 0 ? `+${short(value, 2)}` : short(value, 2)
}
