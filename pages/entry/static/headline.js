// The sentence that a moving page is about. It changes many times a second, so it is read out only when Python says so.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const headlines = new WeakMap()

export default function render({ parentElement, data }) {
  let line = headlines.get(parentElement)
  if (!line) {
    line = { text: make("p", "headline", parentElement), note: make("p", "note", parentElement) }
    line.said = make("p", "spoken", parentElement)
    line.said.setAttribute("role", "status")
    headlines.set(parentElement, line)
    adoptStyles(parentElement, "headline.css")
  }
  const deaf = receive(data, ({ text, note, said }) => {
    write(line.text, text)
    write(line.note, note)
    write(line.said, said ? text : "")
  })
  return atEnd(parentElement, () => {
    deaf()
    headlines.delete(parentElement)
  })
}
