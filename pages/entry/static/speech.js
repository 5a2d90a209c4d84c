// What screen readers are told while a run goes on: seldom, and the newest only.

const search = new URL(import.meta.url).search
const { make, write } = await import("./shared.js" + search)

/** Least times between two sentences, in milliseconds: after a change of status, and while it stays. */
const STATUS = 3000
const FIGURES = 15_000

let region = null
let spoken = -Infinity
let status = null // that was said last
let newest = null
let timer = 0

/** Tells the figures of a run: `cells` have a `label` and a `value`, and one may be labelled 'status'. */
export function speakFigures(cells) {
  const now = cells.find(({ label }) => label === "status")?.value ?? ""
  newest = { status: now, text: sentence(cells) }
  if (status === null) status = now // how a page is when it opens is read as the rest of it is
  else schedule()
}

function schedule() {
  if (newest.text === region?.textContent && newest.status === status) return
  const still = newest.status === status
  if (still && newest.status !== "running") return
  clearTimeout(timer)
  timer = setTimeout(speak, Math.max(0, spoken + (still ? FIGURES : STATUS) - performance.now()))
}

function speak() {
  if (!region?.isConnected) {
    region = make("div", "", document.body)
    region.id = "mlp-speech"
    region.setAttribute("role", "status")
    region.style.cssText = "position:fixed;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
  }
  spoken = performance.now()
  status = newest.status
  write(region, newest.text)
}

function sentence(cells) {
  const order = [...cells].sort((one, other) => (other.label === "status") - (one.label === "status"))
  const said = order.map(({ label, value }) => (label === "status" ? value : `${label} ${value}`))
  return said.join(", ")
}
