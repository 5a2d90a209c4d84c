// The answers over a plane as a smooth picture: the grid's values are interpolated, and coloured after that, so that
// an edge is a line and not a row of dots.

/** Width and height of the picture in pixels. */
const SIDE = 320
const SHADES = 1024

const canvas = document.createElement("canvas")
canvas.width = canvas.height = SIDE
const pen = canvas.getContext("2d")

/**
 * The picture, on a canvas that the next call paints anew; null where the trace has no grid that can be interpolated.
 */
export function smoothPicture(trace) {
  const { kind } = trace.meta.smooth
  const picture = pen.createImageData(SIDE, SIDE)
  const paint = kind === "odds" ? paintOdds : kind === "classes" ? paintClasses : null
  if (!paint) return null
  paint(new Uint32Array(picture.data.buffer), trace)
  pen.putImageData(picture, 0, 0)
  return canvas
}

/** The bytes of an encoded grid, and its height and width. */
function gridOf({ bdata, shape }) {
  const [rows, columns] = shape.split(",").map(Number)
  const text = atob(bdata)
  const cells = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) cells[i] = text.charCodeAt(i)
  return { cells, rows, columns }
}

/** For each pixel of a side: the first of the two cells around it, and how far it is from there to the second. */
function between(count) {
  return oncePer(`between ${count}`, () => {
    const places = Float32Array.from({ length: SIDE }, (_, pixel) =>
      Math.min(count - 1, Math.max(0, ((pixel + 0.5) / SIDE) * count - 0.5)),
    )
    const first = Int32Array.from(places, place => Math.max(0, Math.min(count - 2, Math.floor(place))))
    return { first, shares: places.map((place, pixel) => place - first[pixel]) }
  })
}

/** Probabilities of two classes, as log-odds in bytes. */
function paintOdds(pixels, trace) {
  const { z, reach, stops, steps } = trace.meta.smooth
  const { cells, rows, columns } = gridOf(z)
  const shades = oncePer(JSON.stringify([reach, stops, steps]), () =>
    Uint32Array.from({ length: SHADES + 1 }, (_, i) => {
      const share = 1 / (1 + Math.exp(-reach * ((2 * i) / SHADES - 1)))
      return colourAt(stops, steps ? Math.round(share) : share)
    }),
  )
  const [across, down] = [between(columns), between(rows)]
  const line = new Float32Array(columns + 1) // the grid's values at the height of a row of pixels, as shades
  for (let y = 0; y < SIDE; y++) {
    const place = SIDE - 1 - y // row 0 of the grid is at the bottom
    const [low, v] = [down.first[place] * columns, down.shares[place]]
    const high = rows > 1 ? low + columns : low
    for (let column = 0; column < columns; column++) {
      line[column] = ((cells[low + column] * (1 - v) + cells[high + column] * v) / 255) * SHADES
    }
    line[columns] = line[columns - 1]
    for (let x = 0; x < SIDE; x++) {
      const at = across.first[x]
      pixels[y * SIDE + x] = shades[(line[at] + (line[at + 1] - line[at]) * across.shares[x] + 0.5) | 0]
    }
  }
}

/** The winning one of more classes: the cells around a pixel vote, each with its confidence. */
function paintClasses(pixels, trace) {
  const { levels, stops } = trace.meta.smooth
  const { cells, rows, columns } = gridOf(trace.z)
  const classes = stops.length / 2
  const shades = oncePer(JSON.stringify([levels, stops]), () =>
    Uint32Array.from({ length: 256 }, (_, code) => colourAt(stops, (code + 0.5) / (classes * levels))),
  )
  const [across, down] = [between(columns), between(rows)]
  const votes = new Float32Array(classes)
  const weights = new Float32Array(classes)
  const vote = (code, share) => {
    const winner = Math.floor(code / levels)
    votes[winner] += share * ((code % levels) + 1)
    weights[winner] += share
  }
  for (let y = 0; y < SIDE; y++) {
    const place = SIDE - 1 - y
    const [low, v] = [down.first[place] * columns, down.shares[place]]
    const high = rows > 1 ? low + columns : low
    for (let x = 0; x < SIDE; x++) {
      const [at, u] = [across.first[x], across.shares[x]]
      const next = columns > 1 ? at + 1 : at
      const corner = cells[low + at]
      if (corner === cells[low + next] && corner === cells[high + at] && corner === cells[high + next]) {
        pixels[y * SIDE + x] = shades[corner]
        continue
      }
      votes.fill(0)
      weights.fill(0)
      vote(corner, (1 - u) * (1 - v))
      vote(cells[low + next], u * (1 - v))
      vote(cells[high + at], (1 - u) * v)
      vote(cells[high + next], u * v)
      let best = 0
      for (let one = 1; one < classes; one++) if (votes[one] > votes[best]) best = one
      const level = Math.min(levels - 1, Math.max(0, Math.round(votes[best] / weights[best] - 1)))
      pixels[y * SIDE + x] = shades[best * levels + level]
    }
  }
}

/** A colour of a scale as one number for a picture's memory. Of two stops at one place the second begins there. */
export function colourAt(stops, share) {
  let after = stops.findIndex(([place]) => place > share)
  if (after < 0) after = stops.length - 1
  const [start, from] = stops[Math.max(0, after - 1)]
  const [end, to] = stops[after]
  const part = end > start ? Math.min(1, Math.max(0, (share - start) / (end - start))) : 1
  const [a, b] = [channelsOf(from), channelsOf(to)]
  const [red, green, blue] = a.map((value, i) => Math.round(value + part * (b[i] - value)))
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

const kept = new Map()

/** What `make` gives, made once for each key: themes and settings are few. */
function oncePer(key, make) {
  if (!kept.has(key)) kept.set(key, make())
  return kept.get(key)
}

const known = new Map()

/** '#rrggbb' as [red, green, blue]. */
function channelsOf(colour) {
  if (!known.has(colour)) {
    known.set(colour, [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16)))
  }
  return known.get(colour)
}
