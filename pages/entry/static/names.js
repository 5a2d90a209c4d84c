// Names that Streamlit gives no way to set, or sets alike for many controls.

const PAGES = { stExpandSidebarButton: "Open the menu of pages", stSidebarCollapseButton: "Close the menu of pages" }
const KEYS = { gallery: "All data sets", "new-points": "New points" } // buttons that show a symbol alone
const PARTS = {
  stNumberInputStepDown: "Less",
  stNumberInputStepUp: "More",
  stNumberInputClearButton: "Clear",
}

/** Gives every control on the page a name of its own; what has one already is left alone. */
export function nameControls(shortcuts) {
  // Symbols are letters of a font: read out, 'more vert icon Layer 2 menu'.
  for (const icon of document.querySelectorAll("button [data-testid=stIconMaterial]:not([aria-hidden=true])")) {
    const button = icon.closest("button")
    if (button.querySelector("[data-testid=stMarkdownContainer]")?.textContent || button.hasAttribute("aria-label")) {
      icon.setAttribute("aria-hidden", "true")
    }
  }
  for (const [id, name] of Object.entries(PAGES)) {
    for (const found of document.querySelectorAll(`[data-testid=${id}]`)) {
      set(found.matches("button") ? found : (found.querySelector("button") ?? found), "aria-label", name)
    }
  }
  for (const [key, name] of Object.entries(KEYS)) {
    for (const button of document.querySelectorAll(`.st-key-${key} button`)) set(button, "aria-label", name)
  }
  for (const [id, verb] of Object.entries(PARTS)) {
    for (const button of document.querySelectorAll(`[data-testid=${id}]`)) {
      const label = button.closest("[data-testid=stNumberInput]")?.querySelector("input")?.getAttribute("aria-label")
      if (label) set(button, "aria-label", `${verb}: ${label}`)
    }
  }
  // Streamlit's list of pages has boxes between the list and its items.
  for (const item of document.querySelectorAll("[data-testid=stSidebarNavItems] li")) {
    if (item.parentElement.matches("ul")) continue
    set(item.closest("ul"), "role", "none")
    set(item.parentElement, "role", "list")
  }
  for (const { key, button: name } of shortcuts) {
    if (!name) continue
    for (const button of document.querySelectorAll(`.st-key-${CSS.escape(name)} button`)) {
      set(button, "aria-keyshortcuts", key === " " ? "Space" : key.toUpperCase())
    }
  }
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
