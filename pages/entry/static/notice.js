// A sentence above what it is about; takes no room while there is none.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const notices = new WeakMap()

export default function render({ parentElement, data }) {
  let box = notices.get(parentElement)
  if (!box) {
    box = make("p", "notice", parentElement)
    box.setAttribute("role", "status")
    notices.set(parentElement, box)
    adoptStyles(parentElement, "notice.css")
  }
  // Streamlit leaves a gap around every element, also around an empty one.
  const holder = (parentElement.host ?? parentElement).closest(".st-key-" + CSS.escape(data.slot))
  const deaf = receive(data, ({ text }) => {
    write(box, text)
    box.hidden = text === ""
    if (holder) holder.style.display = text === "" ? "none" : ""
  })
  return atEnd(parentElement, () => {
    deaf()
    notices.delete(parentElement)
  })
}
