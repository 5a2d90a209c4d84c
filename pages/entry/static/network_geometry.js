// Where everything stands in the network's picture.

export const HEAD = 74 // pixels above the first tile: the column's title, its buttons, and what adds a layer
export const TILE = 44 // pixels of a tile at the most
const STEP = 52 // pixels between two columns at the least
export const COMPACT = 76 // below it a layer is removed by the key Delete only
const FOOT = 40 // pixels below the last tile: what folds a wide column, and its health
const NAMES = [34, 120] // pixels for names beside the first and the last column, from the middle of their tiles
const COMFORT = 84 // pixels between two columns that names leave, where they can be shorter
const LETTER = 6.4 // pixels of a letter of these
const LOSS = 74 // pixels for the loss at the end; none in a frame narrower than
const NARROW = 420
const ROOM = [200, 460] // pixels that the tallest column may take
const SHARE = 0.48 // of the window's height
const CROWD = 16 // tiles of a column, beyond which it is scrolled
const ROOMY = 30 // pixels between the tiles of such a column
const NEAR = 6 // pixels around a line that count as on it

/** The places of columns and tiles in a frame of that width, in pixels. */
export function lay(columns, frame) {
  const last = columns.length - 1
  const loss = frame < NARROW ? 0 : LOSS
  const most = within((frame - loss - last * COMFORT) / 2, [70, NAMES[1]])
  const names = [beside(columns[0], most), beside(columns[last], most)]
  const left = columns[0].picture ? TILE + 4 : names[0]
  const right = names[1] + loss
  const span = Math.max(frame - left - right, last * STEP)
  const tallest = Math.max(...columns.map(count))
  const tall = tallest > CROWD
  const pitch = tall ? ROOMY : Math.min(TILE * 1.4, within(innerHeight * SHARE, ROOM) / tallest)
  const step = last ? span / last : span
  const side = Math.max(10, Math.min(TILE, pitch - 5, step * 0.6))
  const room = Math.max(pitch * tallest, 132)
  const middle = HEAD + room / 2
  const apart = tiles => (tall ? room / tiles : pitch) // beside a tall column the others are in sight all the way
  const x = columns.map((_, place) => left + (span * place) / Math.max(last, 1))
  return {
    x,
    y: columns.map(column =>
      Array.from({ length: count(column) }, (_, row) => middle + (row - (count(column) - 1) / 2) * apart(count(column))),
    ),
    tall,
    sides: columns.map(column => (column.picture ? 2 * TILE : side)),
    step,
    middle,
    bottom: HEAD + room,
    height: HEAD + room + FOOT,
    width: left + span + right,
    lossLeft: x[last] + right - loss + 4,
    lossWidth: Math.max(0, loss - 8),
    names,
  }
}

/** Pixels from the middle of a column's tiles to the end of the names beside them, so many at most. */
function beside({ names }, most) {
  const letters = Math.max(0, ...(names ?? []).map(name => name.length))
  return letters ? TILE / 2 + 8 + within(letters * LETTER, [NAMES[0] - 18, most - 18]) : NAMES[0]
}

function within(value, [least, most]) {
  return Math.min(most, Math.max(least, value))
}

function count(column) {
  return column.picture ? 1 : column.shown.length
}

/** Where the lines into a column begin and end, from left to right. */
export function gap(layout, place) {
  const { x, sides } = layout
  return [x[place - 1] + sides[place - 1] / 2, x[place] - sides[place] / 2]
}

/** Adds the line between two heights to a path. */
export function line(path, [from, to], a, b) {
  const bend = (to - from) * 0.45
  path.moveTo(from, a)
  path.bezierCurveTo(from + bend, a, to - bend, b, to, b)
}

/** The weight whose line is at a point, the larger one where several are: { column, neuron, input }; null for none. */
export function nearest(layout, values, x, y) {
  for (let place = 1; place < layout.x.length; place++) {
    const [from, to] = gap(layout, place)
    const weights = values?.[place]?.weights
    if (x < from || x > to || !weights) continue
    const part = solve((x - from) / (to - from))
    const rise = part * part * (3 - 2 * part)
    const before = layout.y[place - 1]
    let best = null
    layout.y[place].forEach((b, row) =>
      before.forEach((a, input) => {
        const away = Math.abs(a + (b - a) * rise - y)
        const rank = away - (3 * Math.abs(weights[row * before.length + input])) / values[place].peak
        if (away < NEAR && (!best || rank < best.rank)) best = { rank, column: place, neuron: row, input }
      }),
    )
    if (best) return { column: best.column, neuron: best.neuron, input: best.input }
  }
  return null
}

/** Where on a line from 0 to 1 its x is this share of the way: the inverse of its Bézier polynomial. */
function solve(share) {
  let part = share
  for (let round = 0; round < 6; round++) {
    const rest = 1 - part
    const x = 3 * rest * rest * part * 0.45 + 3 * rest * part * part * 0.55 + part ** 3
    const slope = 3 * rest * rest * 0.45 + 6 * rest * part * 0.1 + 3 * part * part * 0.45
    part -= (x - share) / slope
  }
  return Math.min(1, Math.max(0, part))
}
