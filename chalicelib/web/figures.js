// Draws the page's tables as bars: what a chart shows and says stands in the cells of its table, and nowhere else.
// Without a script the tables are open, and the page.
(() => {
  const number = new Intl.NumberFormat(document.documentElement.lang)
  const color = name => () => getComputedStyle(document.documentElement).getPropertyValue(name)
  const value = cell => { const data = cell.querySelector("data"); return data && Number(data.value) }
  const STEPS = [1, 2, 3, 4, 5].flatMap(first => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map(unit => first * unit)).sort((a, b) => a - b)

  // `columns` of the table, the later in front of the earlier. The highest bar of the columns in `scale` fills the
  // room: charts that name the same ones can be compared.
  function draw(plot) {
    const table = document.getElementById(plot.dataset.table), rows = [...table.tBodies[0].rows]
    const columns = plot.dataset.columns.split(" ").map(Number), head = table.tHead.rows[0].cells
    const tallest = Math.max(1, ...plot.dataset.scale.split(" ").flatMap(at => rows.map(row => value(row.cells[at]))))
    const said = column => (chart, value, series, at) => at == null ? "" : rows[at].cells[column].textContent
    const axis = { stroke: color("--quiet"), font: "14px system-ui, sans-serif", ticks: { show: false }, incrs: STEPS }
    const size = () => ({ width: plot.clientWidth, height: Number(plot.dataset.height) })
    plot.hidden = false
    const chart = new uPlot({
      ...size(),
      padding: [8, 14, 0, 0],
      cursor: { y: false, drag: { x: false }, points: { show: false } },
      scales: { x: { time: false, range: [-0.5, rows.length - 0.5] }, y: { range: [0, tallest] } },
      axes: [
        { ...axis, size: 28, space: 64, grid: { show: false }, values: (chart, ats) => ats.map(at => rows[at]?.cells[0].dataset.short) },
        { ...axis, size: 12 + 8 * number.format(tallest).length, space: 34, grid: { stroke: color("--line"), width: 1 },
          values: (chart, ats) => ats.map(at => number.format(at)) },
      ],
      series: [
        { label: head[0].textContent, value: said(0) },
        ...columns.map((column, layer) => ({
          label: head[column].textContent,
          class: layer < columns.length - 1 ? "behind" : "front",
          value: said(column),
          fill: color(layer < columns.length - 1 ? "--behind" : "--accent"),
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.8, 64] }),
        })),
      ],
    }, [[...rows.keys()], ...columns.map(column => rows.map(row => value(row.cells[column])))], plot)

    // The arrows lead from bar to bar, and the line below says each.
    plot.addEventListener("keydown", event => {
      const last = rows.length - 1, at = chart.cursor.idx
      const to = { ArrowLeft: at == null ? last : Math.max(0, at - 1), ArrowRight: at == null ? 0 : Math.min(last, at + 1), Home: 0, End: last }[event.key]
      if (to === undefined) return
      event.preventDefault()
      chart.setCursor({ left: chart.valToPos(to, "x"), top: 0 })
    })
    plot.addEventListener("blur", () => chart.setCursor({ left: -10, top: -10 }))
    new ResizeObserver(() => chart.setSize(size())).observe(plot)
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw())
  }

  for (const plot of document.querySelectorAll(".plot")) {
    draw(plot)
    document.getElementById(plot.dataset.table).closest("details").open = false
  }
})()
