/* Draw every chart, keep them in step, make tables sortable, and say when all is done. */

function drawAll(report, drawn, windows) {
  const palette = readPalette();
  const root = document.documentElement;
  for (const box of document.querySelectorAll("[data-chart]")) {
    const data = report.charts[box.dataset.chart];
    if (data.kind === "flow") {
      drawFlow(box, data);
    } else {
      const isSmall = box.classList.contains("chart-small");
      let chart = drawn.get(box);
      if (!chart) {
        chart = echarts.init(box, null, { renderer: "canvas" });
        drawn.set(box, chart);
        if (data.kind !== "sizes" && data.kind !== "curve") chart.group = "time";
      }
      chart.setOption(OPTIONS[data.kind](data, palette, windows, isSmall), true);
    }
    box.dataset.drawn = "true";
  }
  root.dataset.palette = palette.paper;
}

function sortKey(cell) {
  const text = cell.textContent.trim();
  const number = Number(text.replace(/[,\s%+]/g, "").replace("\u2212", "-"));
  return text !== "" && !Number.isNaN(number) ? number : text;
}

function sortTable(table, column, heading) {
  const isDescending = heading.getAttribute("aria-sort") !== "descending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortKey(row.cells[column]), row]);
  rows.sort(([a], [b]) => {
    const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? 1 : -1;
    return isDescending ? -order : order;
  });
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  body.append(...rows.map(([, row]) => row));
}

function installSorting() {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sortTable(table, column, heading));
      heading.append(button);
    });
  }
}

/* The charts open on the hours that mattered; two buttons choose between them and all. */
function installWindow(focus, show) {
  if (!focus) return;
  const near = document.getElementById("window-focus");
  const all = document.getElementById("window-all");
  document.getElementById("window").hidden = false;
  near.textContent = focus.label;
  const choose = (isNear) => {
    near.setAttribute("aria-pressed", String(isNear));
    all.setAttribute("aria-pressed", String(!isNear));
    show(isNear ? focus : null);
  };
  near.addEventListener("click", () => choose(true));
  all.addEventListener("click", () => choose(false));
}

function start() {
  const report = JSON.parse(document.getElementById("report-data").textContent);
  const drawn = new Map();
  const windows = { range: report.range, focus: report.focus };
  const redraw = () => drawAll(report, drawn, windows);
  document.documentElement.classList.add("scripted");
  redraw();
  echarts.connect("time");
  installThemeButton(redraw);
  installWindow(report.focus, (focus) => {
    windows.focus = focus;
    redraw();
  });
  installSorting();
  let pending = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => {
      for (const chart of drawn.values()) chart.resize();
      redraw();
    });
  });
  for (const box of drawn.keys()) box.addEventListener("dblclick", redraw);
  document.documentElement.dataset.ready = "true";
}

start();
