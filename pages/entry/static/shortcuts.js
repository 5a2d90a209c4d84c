// Keys that press buttons of the page, and the sheet that lists them.

const search = new URL(import.meta.url).search
const { make } = await import("./shared.js" + search)

const FIELD = [
  "input", "textarea", "select", "[contenteditable]:not([contenteditable=false])",
  ...["textbox", "searchbox", "combobox", "listbox", "spinbutton", "slider", "menu", "tree"].map(role => `[role=${role}]`),
].join(", ")
// Fields that hold no text, where Ctrl means no edit of a text; a choice holds one only while it is searched.
const NO_TEXT = "input:is([type=range], [type=checkbox], [type=radio]), [role=slider], " +
  "input[role=combobox][value='']:not([aria-expanded=true])"
const OWN_UNDO = "[data-own-undo]" // what takes back by itself
const OPEN = "dialog[open], [role=dialog], [aria-modal=true], [role=listbox], [role=menu]"
const PRESSED_BY_SPACE = [
  "button", "a[href]", "summary", "[tabindex]:not([tabindex='-1']):not([data-testid=stMain])",
  ...["button", "tab", "gridcell", "option", "radio", "checkbox", "switch"].map(role => `[role=${role}]`),
].join(", ")

let table = new Map()
let sheet = null

/** Listen to these keys from now on; `parent` is where the sheet will stand. */
export function openShortcuts(parent, shortcuts, everywhere) {
  table = new Map(shortcuts.map(shortcut => [nameOf(shortcut.control, shortcut.shift, shortcut.key), shortcut]))
  if (sheet?.isConnected) return
  sheet = newSheet(parent, [...shortcuts.filter(one => one.shown).map(({ shown, does }) => [shown, does]), ...everywhere])
}

function nameOf(control, shift, key) {
  return (control ? "control " : "") + (shift ? "shift " : "") + key
}

/** The shortcut that an event stands for; none in a field, with another key held, or while something is open. */
function meant(event) {
  if (event.altKey || event.isComposing || event.defaultPrevented) return null
  const control = event.ctrlKey || event.metaKey
  const shift = event.shiftKey && /^[a-z ]$/i.test(event.key)
  const shortcut = table.get(nameOf(control, shift, event.key.toLowerCase()))
  const at = event.composedPath()[0]
  if (!shortcut || !(at instanceof Element)) return null
  const around = event.composedPath().filter(part => part instanceof Element)
  if (around.some(part => part.matches(OWN_UNDO))) return null
  if (around.some(part => part.matches(FIELD)) && !(control && at.matches(NO_TEXT))) return null
  if (shortcut.key === " " && at.closest(PRESSED_BY_SPACE)) return null
  return document.querySelector(OPEN) ? null : shortcut
}

function buttonOf(shortcut) {
  const found = document.querySelectorAll(`.st-key-${CSS.escape(shortcut.button)} button`)
  return [...found].find(button => button.getClientRects().length > 0 && !button.disabled)
}

const swallowed = new Set() // keys that are down and were ours: nobody else hears of their release

function press(event) {
  const shortcut = meant(event)
  if (!shortcut) return
  const button = shortcut.button && buttonOf(shortcut)
  const onPage = !shortcut.button || document.querySelector(`.st-key-${CSS.escape(shortcut.button)}`)
  if (!onPage) return
  // Streamlit has keys of its own, of which R runs the page again; Space would scroll.
  event.preventDefault()
  event.stopImmediatePropagation()
  swallowed.add(event.code)
  if (event.repeat) return
  if (!shortcut.button) sheet?.showModal()
  else button?.click()
}

function release(event) {
  if (swallowed.delete(event.code)) event.stopImmediatePropagation()
}

addEventListener("keydown", press, true)
addEventListener("keyup", release, true)

function newSheet(parent, rows) {
  const dialog = make("dialog", "mlp-sheet", parent)
  dialog.setAttribute("aria-labelledby", "mlp-sheet-title")
  const title = make("h2", "", dialog)
  title.id = "mlp-sheet-title"
  title.textContent = "Keyboard shortcuts"
  const body = make("tbody", "", make("table", "", dialog))
  for (const [key, does] of rows) {
    const row = make("tr", "", body)
    const head = make("th", "", row)
    head.scope = "row"
    make("kbd", "", head).textContent = key
    make("td", "", row).textContent = does
  }
  const close = make("button", "", dialog)
  close.type = "button"
  close.textContent = "Close"
  close.autofocus = true
  close.addEventListener("click", () => dialog.close())
  dialog.addEventListener("click", event => event.target === dialog && dialog.close()) // beside the sheet
  return dialog
}
