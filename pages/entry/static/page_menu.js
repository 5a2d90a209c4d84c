// The menu of pages on small screens, where it lies over the page: it closes when a page was chosen,
// on a press beside it, or on Escape.

const OPEN = "[data-testid='stSidebar'][data-collapsed='false']"

/** Whether the menu covers a part of the page; beside a wide page it may stay. */
const covers = () => innerWidth <= 900 && document.querySelector(OPEN) !== null

function close() {
  if (covers()) document.querySelector(`${OPEN} [data-testid='stSidebarCollapseButton'] button`)?.click()
}

export function closeMenu() {
  document.addEventListener("click", ({ target }) => {
    const menu = document.querySelector(OPEN)
    if (!menu || target.closest("[data-testid='stExpandSidebarButton']")) return
    // Streamlit goes to the page with the same press: the menu closes after it.
    if (target.closest("[data-testid='stSidebarNavLink']") || !menu.contains(target)) setTimeout(close)
  })
  document.addEventListener("keydown", ({ key }) => key === "Escape" && close())
}
