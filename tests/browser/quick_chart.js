// Has the canvas and Plotly draw a figure in the same size, and says where each puts the area, the axes and their ticks.
// Gives null for a figure that the canvas leaves to Plotly.
async ([figure, width, height]) => {
  const ours = name => new URL(`app/static/${name}`, location.href)
  const { canDraw, drawChart } = await import(ours("quick_chart.js"))
  if (!canDraw(figure)) return null
  const { dressed } = await import(ours("chart_dress.js"))
  window.Plotly ??= await new Promise(done => {
    const script = document.createElement("script")
    script.src = ours("plotly.min.js")
    script.onload = () => done(window.Plotly)
    document.head.append(script)
  })
  const place = document.createElement("div")
  place.style.cssText = `position: fixed; inset: 0 auto auto 0; width: ${width}px; height: ${height}px`
  const [graph, canvas] = [document.createElement("div"), document.createElement("canvas")]
  place.append(graph, canvas)
  document.querySelector(".mlp-plot").parentElement.append(place) // where the page's theme holds
  const plain = text => {
    const reader = document.createElement("textarea")
    reader.innerHTML = text
    return reader.value
  }
  const { data, layout, config } = dressed(structuredClone(figure), place, width, height)
  await Plotly.react(graph, data, layout, config)
  const full = graph._fullLayout
  const plotly = { area: [full._size.l, full._size.t, full._size.w, full._size.h], axes: {} }
  for (const name of Object.keys(full).filter(name => /^[xy]axis\d*$/.test(name))) {
    const { visible, _vals, _offset, _length, _rl, l2p } = full[name]
    plotly.axes[name.replace("axis", "")] = {
      range: [..._rl],
      ends: name.startsWith("x") ? [_offset, _offset + _length] : [_offset + _length, _offset],
      ticks: visible ? _vals.map(({ x, text }) => [_offset + l2p(x), plain(text)]) : [],
    }
  }
  const { area, axes } = drawChart(canvas, dressed(figure, place, width, height), { width, height })
  const quick = { area: [area.left, area.top, area.width, area.height], axes: {} }
  for (const [id, { range, start, length, found, pixel }] of axes) {
    quick.axes[id] = {
      range,
      ends: [start, id.startsWith("x") ? start + length : start - length],
      ticks: found.map(({ at, lines }) => [pixel(at), lines.join("<br>")]),
    }
  }
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  quick.empty = !pixels.some(value => value > 0)
  Plotly.purge(graph)
  place.remove()
  return { plotly, quick }
}
