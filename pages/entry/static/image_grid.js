// Small sample images, sent once, with predictions that change at every tick.

const search = new URL(import.meta.url).search
const { adoptStyles, atEnd, make, receive, write } = await import("./shared.js" + search)

const stores = new Map() // store key → { picture, count, width, height, columns }
const grids = new Map() // parent element → Grid

export default function render(component) {
  return component.data.sprite === undefined ? renderGrid(component) : renderStore(component)
}

/** Keeps one sprite with all images; shows nothing, and takes no room. */
function renderStore({ parentElement, data }) {
  const known = stores.get(data.key)
  if (known?.sprite !== data.sprite) {
    const picture = new Image()
    const store = { ...data, picture, parent: parentElement }
    stores.set(data.key, store)
    picture.onload = () => {
      store.ready = true
      grids.forEach(grid => grid.storeKey === data.key && grid.drawImages(store))
    }
    picture.src = "data:image/png;base64," + data.sprite
  }
  const holder = (parentElement.host ?? parentElement).closest(".st-key-" + CSS.escape(data.key))
  if (holder) holder.style.display = "none"
  return atEnd(parentElement, () => {
    if (stores.get(data.key)?.parent === parentElement) stores.delete(data.key)
  })
}

function renderGrid({ parentElement, data }) {
  let grid = grids.get(parentElement)
  if (!grid) {
    grid = new Grid(parentElement)
    grids.set(parentElement, grid)
  }
  const deaf = receive(data, newest => grid.show(newest))
  return atEnd(parentElement, () => {
    deaf()
    grids.delete(parentElement)
  })
}

class Grid {
  constructor(parent) {
    this.said = make("p", "said", parent)
    this.list = document.createElement("ul")
    this.list.className = "grid"
    this.list.style.visibility = "hidden" // until its style sheet is here
    parent.append(this.list)
    this.items = []
    adoptStyles(parent, "image_grid.css").finally(() => (this.list.style.visibility = ""))
  }

  /** Shows images of a store, or those that come with their items: then both change at once, when they are there. */
  show(data) {
    this.data = data
    if (data.images === undefined) return this.fillAll(stores.get(data.storeKey))
    if (this.own?.sprite !== data.images.sprite) {
      const picture = new Image()
      const own = { ...data.images, picture }
      this.own = own
      picture.onload = () => {
        own.ready = true
        if (this.own === own) this.fillAll(own)
      }
      picture.src = "data:image/png;base64," + own.sprite
    } else if (this.own.ready) this.fillAll(this.own)
  }

  fillAll(store) {
    const { storeKey, items, alt, caption = "" } = this.data
    write(this.said, caption)
    this.said.hidden = caption === ""
    // The theme's chart colours begin with those of class 0 and class 1, which also mean wrong and right.
    const [wrong, right] = getComputedStyle(this.list).getPropertyValue("--st-chart-categorical-colors").split(",")
    this.list.style.setProperty("--wrong", wrong)
    this.list.style.setProperty("--right", right)
    this.list.setAttribute("aria-label", alt)
    this.storeKey = storeKey
    while (this.items.length > items.length) this.items.pop().element.remove()
    while (this.items.length < items.length) this.items.push(this.newItem())
    items.forEach((item, index) => this.fill(this.items[index], item, index))
    this.drawImages(store)
  }

  newItem() {
    const element = make("li", "item", this.list)
    const canvas = make("canvas", "image", element)
    canvas.setAttribute("role", "img")
    const answer = make("div", "answer", element)
    const mark = make("span", "mark", answer)
    mark.setAttribute("aria-hidden", "true")
    const name = make("span", "name", answer)
    const share = make("span", "share", answer)
    const truth = make("div", "truth", element)
    return { element, canvas, mark, name, share, truth }
  }

  fill(item, [predicted, truth, percent], index) {
    const right = predicted === truth
    item.element.classList.toggle("wrong", !right)
    write(item.mark, right ? "✓" : "✗")
    write(item.name, predicted)
    write(item.share, percent === null ? "" : `${percent} %`)
    write(item.truth, right ? "" : `true: ${truth}`)
    const sure = percent === null ? "" : `, ${percent} %`
    const said = right ? `right${sure}` : `wrong${sure}, it is ${truth}`
    item.canvas.setAttribute("aria-label", `Image ${index + 1}: predicted ${predicted}, ${said}`)
  }

  drawImages(store = stores.get(this.storeKey)) {
    if (!store?.ready) return
    this.items.forEach((item, index) => {
      if (item.drawn === store || index >= store.count) return
      item.drawn = store
      item.canvas.width = store.width
      item.canvas.height = store.height
      const left = (index % store.columns) * store.width
      const top = Math.floor(index / store.columns) * store.height
      const pen = item.canvas.getContext("2d")
      pen.drawImage(store.picture, left, top, store.width, store.height, 0, 0, store.width, store.height)
    })
  }
}
