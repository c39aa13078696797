/* Draws the data beside each canvas in the colours of the page. */
(() => {
  "use strict";

  const SHAPES = ["circle", "rectRot", "triangle", "rect", "star", "crossRot"];
  const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 4], [12, 4]];
  const MANY_BARS = 16;
  const LONG_LABEL = 7;
  const LABEL_LENGTH = 18;
  const BAR_HEIGHT = 22;
  let drawn = [];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return { text: of("text"), muted: of("muted"), line: of("line"), surface: of("surface"), series: [1, 2, 3, 4, 5, 6].map((n) => of(`series-${n}`)) };
  }

  const short = (label) => (label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label);

  function axis(c, title, more = {}) {
    const { ticks = {}, ...rest } = more;
    return {
      title: { display: Boolean(title), text: title, color: c.muted },
      ticks: { color: c.muted, ...ticks },
      grid: { color: c.line },
      border: { color: c.line },
      ...rest,
    };
  }

  function bars(data, c, box) {
    const flat = data.labels.length > MANY_BARS || data.labels.some((label) => label.length > LABEL_LENGTH);
    if (flat) box.style.height = `${Math.max(200, 70 + BAR_HEIGHT * data.labels.length)}px`;
    const named = axis(c, "", { grid: { display: false }, ticks: { autoSkip: false, callback(value) { return short(this.getLabelForValue(value)); }, font: { family: "monospace" } } });
    const measured = axis(c, data.axis, { beginAtZero: true });
    return {
      type: "bar",
      data: { labels: data.labels, datasets: [{ label: data.axis, data: data.values, backgroundColor: c.series[0], borderRadius: 3, maxBarThickness: 56 }] },
      options: { indexAxis: flat ? "y" : "x", scales: flat ? { x: measured, y: named } : { x: named, y: measured }, plugins: { legend: { display: false } } },
    };
  }

  const withErrors = (y, error, x) => ({ ...(x === undefined ? {} : { x }), y, ...(error == null ? {} : { yMin: y - error, yMax: y + error }) });
  const whiskers = (colour) => ({ errorBarColor: colour, errorBarWhiskerColor: colour, errorBarLineWidth: 1.5, errorBarWhiskerLineWidth: 1.5, errorBarWhiskerSize: 8 });

  function tooltip(context) {
    const { y, yMax } = context.raw;
    const error = yMax === undefined ? "" : ` ± ${(yMax - y).toPrecision(2)}`;
    return `${context.dataset.label ? `${context.dataset.label}: ` : ""}${Number(y.toPrecision(6))}${error}`;
  }

  function values(data, c) {
    const points = data.values.map((value, index) => withErrors(value, data.errors[index]));
    return {
      type: "barWithErrorBars",
      data: { labels: data.labels, datasets: [{ data: points, backgroundColor: c.series[0], borderRadius: 3, maxBarThickness: 56, ...whiskers(c.text) }] },
      options: {
        scales: { x: axis(c, "", { grid: { display: false }, ticks: { autoSkip: false, callback(value) { return short(this.getLabelForValue(value)); } } }), y: axis(c, "Expectation value", { beginAtZero: true }) },
        plugins: { legend: { display: false }, tooltip: { callbacks: { label: tooltip } } },
      },
    };
  }

  function sweep(data, c) {
    const many = data.x.length > 60;
    const datasets = data.series.map((series, index) => {
      const colour = c.series[index % c.series.length];
      const points = series.values.map((value, at) => withErrors(value, series.errors && series.errors[at], data.x[at]));
      points.sort((a, b) => a.x - b.x);
      return {
        label: series.label, data: points, showLine: true, clip: 10, borderColor: colour, backgroundColor: colour, borderWidth: 1.75, borderDash: DASHES[index % DASHES.length],
        pointStyle: SHAPES[index % SHAPES.length], pointRadius: many ? 2 : 4, pointBorderWidth: 1.5, ...whiskers(colour), errorBarWhiskerSize: many ? 3 : 8,
      };
    });
    return {
      type: "scatterWithErrorBars",
      data: { datasets },
      options: {
        scales: { x: axis(c, data.axis, { type: "linear", bounds: "data" }), y: axis(c, data.series.length === 1 ? data.series[0].label : "Expectation value") },
        plugins: { legend: { display: data.series.length > 1, labels: { color: c.text, usePointStyle: true, boxWidth: 7, boxHeight: 7, padding: 16 } }, tooltip: { callbacks: { label: tooltip } } },
      },
    };
  }

  const KINDS = { bars, values, sweep };

  function draw() {
    for (const chart of drawn) chart.destroy();
    drawn = [];
    const c = colours();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const box of document.querySelectorAll("[data-chart]")) {
      const data = JSON.parse(box.querySelector("script").textContent);
      box.hidden = false;
      const chosen = KINDS[data.kind](data, c, box);
      const options = { responsive: true, maintainAspectRatio: false, animation: still ? false : { duration: 250 }, ...chosen.options };
      drawn.push(new Chart(box.querySelector("canvas"), { ...chosen, options }));
    }
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("dashboard:replaced", draw);
  draw();
})();
