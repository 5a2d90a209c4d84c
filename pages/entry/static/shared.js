// What the components share: style sheets, colours of the page's theme, and a clean end.

const sheets = new Map()
const PAGE = "--st-background-color"

/** Adds a style sheet of this folder to the shadow root or document that holds `parent`, once. */
export async function adoptStyles(parent, file) {
  if (!sheets.has(file)) {
    const url = new URL(file + new URL(import.meta.url).search, import.meta.url)
    const sheet = new CSSStyleSheet()
    sheets.set(file, fetch(url).then(answer => answer.text()).then(text => sheet.replace(text)))
  }
  const sheet = await sheets.get(file)
  const root = parent.getRootNode()
  const adopted = root.adoptedStyleSheets // none where the part has left the page meanwhile
  if (adopted && !adopted.includes(sheet)) root.adoptedStyleSheets = [...adopted, sheet]
}

/**
 * The clean-up that a component hands to Streamlit. Streamlit calls it at the end, but also when a newer update
 * overtakes one that is still loading: only an element that has left the page is at its end.
 */
export function atEnd(parent, dispose) {
  return () => {
    if (!(parent.host ?? parent).isConnected) dispose()
  }
}

const addresses = new Map() // slot → what takes its new data
const newest = new Map() // slot → { version, data }

/** The data of the highest version that there has been for this slot. */
function newestOf(slot, version, data) {
  if (!(newest.get(slot)?.version > version)) newest.set(slot, { version, data })
  return newest.get(slot).data
}

/**
 * Calls `show` with the data that a part was mounted with, or with what the feed has brought for its slot if that is
 * newer, and with all that the feed will bring; returns what ends that.
 */
export function receive(data, show) {
  const { slot, version } = data
  show(newestOf(slot, version, data))
  addresses.set(slot, show)
  return () => addresses.get(slot) === show && addresses.delete(slot)
}

/** Gives each slot its data, unless it has newer. */
export function deliver(parts) {
  for (const [slot, data] of Object.entries(parts)) {
    if (newestOf(slot, data.version, data) === data) addresses.get(slot)?.(data)
  }
}

const lights = new Map() // what is pointed at in one component, for the others
const watchers = new Set()

/** Calls `look` with what is pointed at under each name, now and whenever it changes; returns what ends that. */
export function watch(look) {
  watchers.add(look)
  for (const [name, value] of lights) look(name, value)
  return () => watchers.delete(look)
}

/** Says what is pointed at: 'neuron', a canvas with its answers over the plane, or 'point', its place there. */
export function pointAt(name, value) {
  if (!value && !lights.get(name)) return
  lights.set(name, value)
  for (const look of watchers) look(name, value)
}

/** Any CSS colour as [red, green, blue], 0 to 255; null for none. */
export function channels(colour) {
  pen.clearRect(0, 0, 1, 1)
  pen.fillStyle = "#0000"
  pen.fillStyle = colour
  pen.fillRect(0, 0, 1, 1)
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data
  return alpha === 0 ? null : [red, green, blue]
}

/** Whether the page around `element` is dark. */
export function isDark(element) {
  const [red, green, blue] = channels(getComputedStyle(element).getPropertyValue(PAGE)) ?? [255, 255, 255]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128
}

const canvas = document.createElement("canvas")
canvas.width = canvas.height = 1
const pen = canvas.getContext("2d", { willReadFrequently: true })

/** The theme around `element`, from Streamlit's CSS variables. */
export function themeOf(element) {
  const style = getComputedStyle(element)
  const value = name => style.getPropertyValue(name).trim()
  const text = channels(value("--st-text-color")) ?? [28, 35, 33]
  const background = channels(value(PAGE)) ?? [251, 251, 249]
  const blend = share => `rgb(${text.map((t, i) => Math.round(share * t + (1 - share) * background[i])).join(",")})`
  return {
    text: blend(1),
    muted: blend(0.72),
    line: blend(0.3),
    grid: blend(0.11),
    background: blend(0),
    raised: value("--st-secondary-background-color") || blend(0.05),
    border: value("--st-border-color") || blend(0.2),
    primary: value("--st-primary-color") || blend(1),
    font: value("--st-font") || "sans-serif",
  }
}

export function make(tag, className, parent) {
  const element = document.createElement(tag)
  element.className = className
  parent.append(element)
  return element
}

/** Writes only what differs, so that a selection or a pointer over the element is left alone. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}
