// For keyboards and screen readers, on every page: shortcuts, names of controls, focus that stays, and the welcome.

const search = new URL(import.meta.url).search
const { adoptStyles } = await import("./shared.js" + search)
const { nameControls } = await import("./names.js" + search)
const { keepFocus } = await import("./focus.js" + search)
const { closeMenu } = await import("./page_menu.js" + search)
const { openShortcuts } = await import("./shortcuts.js" + search)
const { Welcome } = await import("./welcome.js" + search)

/** Between two looks at a page that changes, in milliseconds. */
const REST = 250

let welcome
let shortcuts = []
let waiting = false

closeMenu()

export default function render({ parentElement, data }) {
  adoptStyles(parentElement, "access.css")
  shortcuts = data.shortcuts
  openShortcuts(parentElement, shortcuts, data.everywhere)
  welcome ??= new Welcome()
  welcome.show(parentElement, data.welcome)
  look()
}

function look() {
  waiting = false
  nameControls(shortcuts)
  keepFocus()
  welcome.point()
}

// What stands on the page is drawn by Streamlit, again and again: what is mended there has to be mended again.
new MutationObserver(() => {
  if (waiting) return
  waiting = true
  setTimeout(look, REST)
}).observe(document.body, { childList: true, subtree: true })
