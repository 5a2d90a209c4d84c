// The numbers of the network's picture: from bytes to numbers, and from numbers to words.

const DECADES = 5 // powers of ten between the largest and the smallest size that 8 bits tell apart
const NAMES = {
  weights: "weights",
  gradients: "gradients",
  updates: "updates",
  biases: "biases",
  bias_gradients: "biasGradients",
  bias_updates: "biasUpdates",
}

/** What is known of each of so many columns, from numbers that were packed together. */
export function decode({ maps, numbers }, count) {
  const columns = Array.from({ length: count }, () => ({ peak: 1 }))
  for (const { places, counts, height, width, levels, low, high } of maps) {
    const all = unpack(levels, Int8Array)
    const ranges = { low: read(low, counts), high: read(high, counts) }
    let start = 0
    places.forEach((place, at) => {
      const end = start + counts[at] * height * width
      Object.assign(columns[place], { height, width, maps: all.subarray(start, end) })
      Object.assign(columns[place], { low: ranges.low[at], high: ranges.high[at] })
      start = end
    })
  }
  for (const [name, own] of Object.entries(NAMES)) {
    const packed = numbers[name]
    if (!packed) continue
    const found = read(packed, packed.counts)
    packed.places.forEach((place, at) => {
      columns[place][own] = found[at]
      if (name === "weights") columns[place].peak = packed.peaks[at] || 1
    })
  }
  return columns
}

/** Bytes in base64 as a typed array. */
export function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  return new Kind(bytes.buffer)
}

/** Numbers of 16 or 8 bits in shares of the largest of their column, an array for each column. */
function read({ peaks, halves, decades }, counts) {
  const all = halves === undefined ? unpack(decades, Int8Array) : unpack(halves, Uint16Array)
  const value = halves === undefined ? decade : half
  let start = 0
  return counts.map((count, at) => {
    const own = all.subarray(start, (start += count))
    return Float32Array.from(own, share => value(share) * peaks[at])
  })
}

function decade(level) {
  const size = Math.abs(level)
  return size ? Math.sign(level) * 10 ** (((size - 127) * DECADES) / 126) : 0
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
