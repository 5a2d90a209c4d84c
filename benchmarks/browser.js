// What `benchmarks browser` measures inside the page: the harness's own way to the browser takes no part in it.
// A moment is that of the animation frame in which a condition first holds, in milliseconds from the page's start.

const bench = (window.bench = {
  /** The first visible element of a selector. */
  find: selector => [...document.querySelectorAll(selector)].find(one => one.offsetWidth),

  /** The first element of a selector inside the component of this key, which may have a shadow root. */
  inside(key, selector) {
    for (const one of document.querySelectorAll(`.st-key-${key} *`)) {
      const found = one.shadowRoot?.querySelector(selector)
      if (found) return found
    }
    return document.querySelector(`.st-key-${key} ${selector}`)
  },

  text: (key, selector) => bench.inside(key, selector)?.textContent ?? "",

  /** Steps of the run that the page shows. */
  steps: () => Number.parseInt(bench.text("strip", "[data-name=epoch] .note").replaceAll(",", "")),

  title: column => bench.text("network-picture", `[data-key="title ${column}"]`),

  /** How often a part was drawn so far: the network, or the chart of this key. */
  drawn: key => Number(bench.inside(key, "[data-drawn]")?.dataset.drawn ?? 0),

  /** No run of the page's script is under way, and what is there belongs to the page. */
  rests: () => Boolean(document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")),

  /** Has `moments` hold, for each condition, how long after the next event of this kind it first held. */
  arm(kind, conditions) {
    bench.moments = new Promise(done => {
      addEventListener(kind, event => done(bench.since(event.timeStamp, conditions)), { capture: true, once: true })
      setTimeout(done, bench.patience, conditions.map(() => null))
    })
  },

  /** How long after a moment each condition first held; null where it has not when patience is over. */
  since(began, conditions) {
    const tests = conditions.map(text => new Function(`return ${text}`))
    const moments = tests.map(() => null)
    return new Promise(done => {
      const look = now => {
        tests.forEach((test, at) => {
          if (moments[at] === null && test()) moments[at] = now - began
        })
        const over = !moments.includes(null) || now - began > bench.patience
        over ? done(moments) : requestAnimationFrame(look)
      }
      requestAnimationFrame(look)
    })
  },

  /** For so many milliseconds: how often each part was drawn, and how long the network's drawings took. */
  watch(milliseconds, keys) {
    const began = performance.now()
    const before = keys.map(bench.drawn)
    const network = () => bench.inside("network-picture", "[data-drawn]")?.dataset ?? {}
    const times = []
    let last = network().drawn
    // It looks seldom: a look at every frame would have the browser make one, sixty times a second, on the same cores.
    return new Promise(done => {
      const look = () => {
        const { drawn, milliseconds: took } = network()
        if (drawn !== last) times.push(Number(took))
        last = drawn
        const seconds = (performance.now() - began) / 1000
        if (1000 * seconds < milliseconds) return setTimeout(look, 40)
        done({ rates: keys.map((key, at) => (bench.drawn(key) - before[at]) / seconds), times })
      }
      look()
    })
  },

  /** From now on, `sizes` holds the bytes of each update of the part of this key, as the stream brings it. */
  weigh(key) {
    const ask = window.fetch
    bench.sizes = []
    window.fetch = async (...request) => {
      const answer = await ask(...request)
      if (String(request[0]).includes("/live/") && answer.ok) {
        const { parts } = await answer.clone().json()
        if (parts[key]) bench.sizes.push(new TextEncoder().encode(JSON.stringify(parts[key])).length)
      }
      return answer
    }
  },

  patience: 30_000,
  shifts: 0,
})

new PerformanceObserver(list => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) bench.shifts += value
}).observe({ type: "layout-shift" })
