// Focus that survives a redrawn page: Streamlit replaces elements, and the focus of a replaced one is lost to the page.

/** How long what has taken an element's place is waited for, in milliseconds. */
const PATIENCE = 8000
const FOCUSABLE = "button, input, textarea, select, a[href], [tabindex='0']"

let last = null // what had the focus: { element, places, at }
let byKeyboard = false

addEventListener("keydown", () => (byKeyboard = true), true)
addEventListener("pointerdown", () => (byKeyboard = false), true)
addEventListener("focusin", ({ target }) => (last = { element: target, places: placesOf(target), since: null }), true)
addEventListener("focusout", ({ target }) => queueMicrotask(() => left(target)), true)

/** Forgets an element that was left on purpose: one that is still there, and could have kept the focus. */
function left(element) {
  if (last?.element === element && element.isConnected && !element.matches(":disabled")) last = null
}

/** Call when the page may have changed: focuses what has taken the place of the element that had the focus. */
export function keepFocus() {
  if (!last || !byKeyboard || (document.activeElement && document.activeElement !== document.body)) return
  const { element, places } = last
  if (element.isConnected && !element.matches(":disabled")) {
    if (last.since !== null) element.focus({ preventScroll: true })
    return
  }
  last.since ??= performance.now()
  const since = last.since
  if (performance.now() - since > PATIENCE) return (last = null)
  const next = element.isConnected ? null : successor(element, places)
  if (next) next.focus({ preventScroll: true })
  else setTimeout(keepFocus, 100)
}

/** The keys of the elements around it, innermost first, each with its number among those of its kind inside. */
function placesOf(element) {
  const places = []
  for (let around = element.closest?.("[class*=st-key-]"); around && places.length < 4; ) {
    places.push({ key: keyOf(around), index: kin(around, element).indexOf(element) })
    around = around.parentElement?.closest("[class*=st-key-]")
  }
  return places
}

function successor(element, places) {
  for (const { key, index } of places) {
    for (const around of document.querySelectorAll(`[class*="st-key-${CSS.escape(key)}"]`)) {
      if (keyOf(around) !== key) continue
      const found = kin(around, element)
      const next = found[index] ?? found[0]
      if (next && !next.matches(":disabled")) return next
    }
  }
  return null
}

/** The key of an element without the revision that its widgets were drawn in. */
function keyOf(element) {
  const name = [...element.classList].find(found => found.startsWith("st-key-")) ?? ""
  return name.slice("st-key-".length).replace(/--[\d-]+$/, "")
}

/** What can have the focus inside, of the same kind as an element, and is shown. */
function kin(around, element) {
  return [...around.querySelectorAll(FOCUSABLE)].filter(
    found => found.tagName === element.tagName && (found === element || found.getClientRects().length > 0),
  )
}
