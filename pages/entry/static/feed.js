// Hands the data of one message to the components that are on the page.

const { deliver } = await import("./shared.js" + new URL(import.meta.url).search)

export default function render({ data }) {
  deliver(data.parts)
}
