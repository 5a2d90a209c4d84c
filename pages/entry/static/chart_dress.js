// A figure in the colours and the size of the page.

const search = new URL(import.meta.url).search
const { themeOf } = await import("./shared.js" + search)

const BUTTONS = {
  all: [["zoom2d", "pan2d"], ["resetScale2d"], ["toImage"]],
  picture: [["toImage"]],
  space: [["resetCameraDefault3d"], ["toImage"]],
}
// A drag on a touch screen scrolls the page; charts must not catch it.
export const TOUCH = matchMedia("(pointer: coarse)").matches

/** Below this width in pixels a legend stands under its chart. */
const NARROW = 480
/** The height of an entry of it, in pixels. */
const LEGEND_ROW = 20

/** How high a legend is, in pixels, that stands under its chart because a narrow one has no room beside it; else 0. */
export function legendBelow({ data, layout }, width) {
  if (layout.legend?.orientation !== "v" || width >= NARROW) return 0
  const entries = data.filter(one => one.name && one.showlegend !== false).length
  return LEGEND_ROW * (entries + (layout.legend.title ? 1 : 0))
}

/** The figure in the page's colours and size, with Plotly's settings. The figure itself stays as it is. */
export function dressed({ data, layout: given }, element, width, height) {
  const layout = { ...given }
  const theme = themeOf(element)
  const still = layout.dragmode === false
  const ours = {
    width,
    height,
    autosize: false,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, size: 12, color: theme.muted },
    hoverlabel: {
      bgcolor: theme.raised,
      bordercolor: theme.border,
      font: { family: theme.font, size: 12, color: theme.text },
    },
    modebar: { bgcolor: theme.background, color: theme.line, activecolor: theme.primary },
    newshape: { line: { color: theme.muted } },
  }
  for (const name of Object.keys(layout)) {
    if (!/^[xy]axis\d*$/.test(name)) continue
    layout[name] = { gridcolor: theme.grid, zerolinecolor: theme.line, linecolor: theme.line, ...layout[name] }
    if (TOUCH) layout[name] = { ...layout[name], fixedrange: true }
  }
  const below = legendBelow({ data, layout }, width)
  if (below) layout.legend = { ...layout.legend, x: 0, y: -60 / (height - below - 70), yanchor: "top", maxheight: below }
  if (layout.scene) {
    layout.scene = { ...layout.scene }
    for (const name of ["xaxis", "yaxis", "zaxis"]) {
      const quiet = { color: theme.muted, gridcolor: theme.grid, zerolinecolor: theme.grid, showbackground: false, showspikes: false }
      layout.scene[name] = { ...quiet, ...layout.scene[name] }
    }
  }
  return {
    data,
    layout: { ...ours, ...layout, ...(TOUCH ? { dragmode: false } : {}) },
    config: {
      displaylogo: false,
      displayModeBar: TOUCH ? false : "hover",
      modeBarButtons: still ? BUTTONS.picture : layout.scene ? BUTTONS.space : BUTTONS.all,
      doubleClick: "reset+autosize",
      showTips: false,
      typesetMath: false,
      toImageButtonOptions: { format: "png", scale: 2, filename: "chart" },
    },
  }
}
