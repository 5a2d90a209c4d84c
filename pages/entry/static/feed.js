// Hands new data to the components that are on the page: from the page's ticks, or from its stream while a run goes on.

const { atEnd, deliver } = await import("./shared.js" + new URL(import.meta.url).search)

const GONE = 410 // the page that the stream belonged to is not there any more
const AT_ONCE = 40 // milliseconds in which a browser that is quick has drawn: two frames and a little
const ROOT = new URL("../../", import.meta.url) // of the app, behind any proxy and base path
let followed // the address that is asked now
let loops = 0 // how often asking has begun: the newest loop goes on, one that still waits for an answer ends
let owner // the element that named it last
let told = true // what the page believes: that its stream can be followed

export default function render({ parentElement, data, setStateValue, setTriggerValue }) {
  deliver(data.parts)
  owner = parentElement
  if (data.stream !== followed) {
    followed = data.stream
    if (followed) follow(followed, setStateValue, setTriggerValue)
  }
  return atEnd(parentElement, () => {
    if (owner === parentElement) followed = undefined
  })
}

/**
 * Asks for newer data until the page follows something else. The server answers when there is something new, so the
 * next request is sent as soon as the last answer is on the screen; only one is under way at any time.
 */
async function follow(address, setStateValue, setTriggerValue) {
  const tell = streams => streams !== told && setStateValue("streams", (told = streams))
  const loop = ++loops
  const goesOn = () => loop === loops && followed === address
  while (goesOn()) {
    let answer
    try {
      const response = await fetch(new URL(address, ROOT), { cache: "no-store" })
      if (response.status === GONE) return (followed = goesOn() ? undefined : followed)
      if (!response.ok) throw new Error(`status ${response.status}`)
      answer = await response.json()
    } catch (error) {
      console.warn("The live stream was lost; the page's ticks go on:", error)
      if (goesOn()) tell(false)
      return
    }
    const came = performance.now()
    deliver(answer.parts) // even where another loop goes on: the answer after this one holds what has changed since
    if (!goesOn()) return
    tell(true)
    if (answer.redraw) {
      followed = undefined
      setTriggerValue("redraw", true)
      return // what is drawn again names the stream that follows, which may be this one
    }
    await drawn()
    // A browser that is slow to draw gets as much time for its user as it takes for drawing.
    const slow = performance.now() - came - AT_ONCE
    if (slow > 0) await new Promise(done => setTimeout(done, slow + AT_ONCE))
  }
}

/** When what was handed on is on the screen; not before the page can be seen. */
function drawn() {
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
}
