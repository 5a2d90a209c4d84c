// The frame of a table whose content moves: it scrolls within a height, by keyboard too, under a head that stays.

const { adoptStyles, make, write } = await import("./shared.js" + new URL(import.meta.url).search)

export class TableFrame {
  /** A table of that class in `parent`, with the style sheets that it needs besides the frame's own. */
  constructor(parent, className, ...sheets) {
    this.said = make("p", "said", parent)
    this.frame = make("div", "frame", parent)
    this.frame.tabIndex = 0 // so that it can be scrolled by keyboard
    this.frame.setAttribute("role", "region")
    this.frame.style.visibility = "hidden" // until its style sheets are here
    const table = make("table", className, this.frame)
    this.head = make("tr", "", make("thead", "", table))
    this.body = make("tbody", "", table)
    this.foot = make("tfoot", "", table)
    Promise.allSettled(["table_frame.css", ...sheets].map(file => adoptStyles(parent, file))).finally(
      () => (this.frame.style.visibility = ""),
    )
  }

  /** What is said of it, and above it, and how high it may be, in pixels; without rows there is no frame. */
  show({ alt, height, caption = "" }, rows) {
    this.frame.setAttribute("aria-label", alt)
    this.frame.style.maxHeight = `${height}px`
    this.frame.hidden = rows === 0 && caption !== ""
    write(this.said, caption)
    this.said.hidden = caption === ""
  }
}
