// Words under headings, searched as one types. Every word has an address: #epoch.

const search = new URL(import.meta.url).search
const { adoptStyles, make, write } = await import("./shared.js" + search)

/** After the last letter until the number of words found is told, in milliseconds: not at each letter. */
const PAUSE = 600

const lists = new WeakMap()
// Streamlit has taken the part after # from the address by the time that the words are here.
let cameFor = new URL(performance.getEntriesByType("navigation")[0]?.name ?? location.href).hash

export default async function render({ parentElement, data }) {
  if (lists.has(parentElement)) return
  lists.set(parentElement, true)
  await adoptStyles(parentElement, "glossary.css")
  const list = new Glossary(parentElement, data.groups)
  list.open()
  const opened = () => list.open()
  addEventListener("hashchange", opened)
  return () => {
    if (parentElement.isConnected) return
    removeEventListener("hashchange", opened)
    lists.delete(parentElement)
  }
}

class Glossary {
  constructor(parent, groups) {
    this.box = make("div", "mlp-glossary", parent)
    const label = make("label", "mlp-glossary-label", this.box)
    make("span", "", label).textContent = "Search"
    this.field = make("input", "", label)
    this.field.type = "search"
    this.field.placeholder = "epoch, ReLU, learning rate …"
    this.field.addEventListener("input", () => this.filter())
    this.said = make("p", "mlp-glossary-said", this.box)
    this.said.setAttribute("role", "status")
    this.groups = groups.map(group => this.newGroup(group))
  }

  newGroup({ heading, words }) {
    const section = make("section", "", this.box)
    make("h3", "", section).textContent = heading
    const list = make("dl", "", section)
    return { section, words: words.map(word => newWord(list, word)) }
  }

  /** Shows the words in which every part of what is typed occurs; those that are called so come with their group. */
  filter() {
    const wanted = plain(this.field.value).split(/\s+/).filter(Boolean)
    let found = 0
    for (const { section, words } of this.groups) {
      let here = 0
      for (const { element, text } of words) {
        const fits = wanted.every(part => text.includes(part))
        element.hidden = !fits
        here += fits
      }
      section.hidden = here === 0
      found += here
    }
    clearTimeout(this.timer)
    const words = found === 1 ? "1 word" : `${found} words`
    const said = wanted.length === 0 ? "" : found === 0 ? "No word has all of that in it. Try fewer letters." : words
    this.timer = setTimeout(() => write(this.said, said), PAUSE)
  }

  /** Goes to the word of the address. */
  open() {
    this.marked?.removeAttribute("data-here")
    const anchor = decodeURIComponent((location.hash || cameFor).slice(1))
    cameFor = ""
    this.marked = anchor ? this.box.querySelector(`#${CSS.escape(anchor)}`) : null
    if (!this.marked) return
    if (this.marked.hidden) {
      this.field.value = ""
      this.filter()
    }
    this.marked.setAttribute("data-here", "")
    this.marked.scrollIntoView({ block: "center" })
  }
}

function newWord(list, [anchor, label, text]) {
  const element = make("div", "", list)
  element.id = anchor
  const term = make("dt", "", element)
  make("span", "", term).textContent = label
  const link = make("a", "", term)
  link.href = `${location.pathname}${location.search}#${anchor}`
  link.textContent = "#"
  link.setAttribute("aria-label", `Link to ${label}`)
  link.addEventListener("click", event => {
    event.preventDefault()
    history.replaceState(history.state, "", link.href)
    dispatchEvent(new HashChangeEvent("hashchange"))
  })
  make("dd", "", element).textContent = text
  return { element, text: plain(`${label} ${text}`) }
}

function plain(text) {
  return text.normalize("NFKD").toLowerCase()
}
