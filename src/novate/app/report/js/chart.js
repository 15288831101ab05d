/* One function for each kind of chart: from the data block to an ECharts option. */

const DAY_MS = 86400000;

const minus = (text) => text.replace("-", "\u2212");

function formatNumber(value, digits = 9) {
  if (value === null || value === undefined || Number.isNaN(value)) return "n/a";
  const size = Math.abs(value);
  const decimals = size >= 1000 ? 0 : size >= 1 ? 2 : Math.min(6, digits);
  return minus(value.toLocaleString("en-US", { maximumFractionDigits: decimals }));
}

function formatShort(value) {
  const size = Math.abs(value);
  for (const [scale, word] of [[1e9, " bn"], [1e6, " m"], [1e3, " k"]]) {
    if (size >= scale) return minus(`${Number((value / scale).toPrecision(4))}${word}`);
  }
  return minus(`${Number(value.toPrecision(4))}`);
}

function formatAs(form) {
  if (form === "percent") return (value) => `${formatNumber(100 * value)} %`;
  if (form === "index") return (value) => value.toFixed(3);
  return formatNumber;
}

function axisAs(form) {
  if (form === "percent") return (value) => `${Number((100 * value).toPrecision(3))} %`;
  if (form === "index") return (value) => `${Number(value.toPrecision(3))}`;
  if (form === "price") return (value) => value.toLocaleString("en-US");
  return formatShort;
}

const timeText = (ms) => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/* Tooltips are elements with text content: no text of the data ever becomes markup. */
function tip(title, pairs) {
  const box = document.createElement("div");
  box.className = "tip";
  const heading = document.createElement("p");
  heading.textContent = title;
  const list = document.createElement("dl");
  for (const [name, value] of pairs) {
    const term = document.createElement("dt");
    term.textContent = name;
    const detail = document.createElement("dd");
    detail.textContent = value;
    list.append(term, detail);
  }
  box.append(heading, list);
  return box;
}

function baseOption(palette, isSmall) {
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: palette.ink },
    grid: { left: 8, right: 12, top: isSmall ? 22 : 46, bottom: isSmall ? 4 : 8, containLabel: true },
    legend: {
      show: !isSmall, left: 0, top: 0, itemWidth: 26, itemHeight: 14, itemGap: 16,
      type: "scroll", textStyle: { color: palette.soft, fontSize: 12 },
      pageTextStyle: { color: palette.soft }, pageIconColor: palette.ink,
    },
    tooltip: {
      backgroundColor: palette.paper, borderColor: palette.rule, padding: [6, 10],
      textStyle: { color: palette.ink }, confine: true, transitionDuration: 0,
    },
  };
}

/* One range for all time charts, so that connected charts zoom to the same instants. */
function timeAxis(palette, range, isSmall) {
  return {
    type: "time", min: range.start, max: range.end, splitNumber: isSmall ? 3 : 6,
    axisLine: { lineStyle: { color: palette.rule } }, axisTick: { lineStyle: { color: palette.rule } },
    axisLabel: {
      color: palette.soft, fontSize: 11.5, hideOverlap: true,
      formatter: (ms) => {
        const text = new Date(ms).toISOString();
        return ms % DAY_MS === 0 ? text.slice(0, 10) : text.slice(11, 16);
      },
    },
  };
}

function valueAxis(palette, unit, format, more) {
  return {
    type: "value", name: unit, nameGap: 8, scale: true,
    nameTextStyle: { color: palette.soft, fontSize: 11.5, align: "left", padding: [0, 0, 0, -4] },
    axisLine: { show: false }, axisTick: { show: false },
    axisLabel: { color: palette.soft, fontSize: 11.5, formatter: format },
    splitLine: { lineStyle: { color: palette.faint } }, ...more,
  };
}

function lineSeries(line, instants, palette) {
  const colour = palette[line.tone];
  const drawn = line.values.some((value) => value !== null);
  return {
    name: line.name, type: "line", symbol: instants.length === 1 ? "circle" : "none", symbolSize: 5,
    step: line.step ? "end" : false, stack: line.stack || undefined, silent: !drawn,
    yAxisIndex: line.right ? 1 : 0, itemStyle: { color: colour }, connectNulls: false,
    lineStyle: { color: colour, width: 1.6, type: line.dash },
    areaStyle: line.area ? { color: withAlpha(colour, line.stack ? 0.35 : 0.14), origin: "auto" } : undefined,
    data: instants.map((ms, row) => [ms, line.values[row]]),
  };
}

/* Area, not diameter, is in proportion to notional. */
function markSeries(marks, origin, palette, unit) {
  const largest = Math.max(1, ...marks.size);
  return {
    name: marks.name, type: "scatter", symbol: "circle", z: 5,
    itemStyle: { color: withAlpha(palette.red, 0.4), borderColor: palette.red, borderWidth: 1 },
    symbolSize: (value) => Math.max(4, 30 * Math.sqrt(value[2] / largest)),
    data: marks.t.map((offset, row) => [origin + offset, marks.price[row], marks.size[row], row]),
    tooltip: {
      trigger: "item",
      formatter: ({ value }) => tip(`Liquidation of ${marks.account[value[3]]}`, [
        ["Instant", timeText(value[0])],
        ["Lots", formatNumber(marks.lots[value[3]])],
        ["Price", formatNumber(value[1])],
        ["Mark", formatNumber(marks.mark[value[3]])],
        ["Notional", `${formatNumber(value[2])} ${unit}`],
        ["Fee", `${formatNumber(marks.fee[value[3]])} ${unit}`],
      ]),
    },
  };
}

function timeOption(data, palette, windows, isSmall) {
  const format = formatAs(data.form);
  const instants = data.t.map((offset) => data.origin_ms + offset);
  const option = baseOption(palette, isSmall);
  const isStacked = data.lines.some((line) => line.stack);
  const isFloored = isStacked || data.lines.some((line) => line.area);
  option.xAxis = timeAxis(palette, windows.range, isSmall);
  option.yAxis = [valueAxis(palette, data.unit, axisAs(data.form), {
    scale: !isFloored, splitNumber: isSmall ? 3 : 5,
  })];
  if (data.right_unit) {
    option.yAxis.push(valueAxis(palette, data.right_unit, formatShort, {
      scale: false, minInterval: 1, splitLine: { show: false },
      nameTextStyle: { color: palette.soft, fontSize: 11.5, align: "right" },
    }));
  }
  option.series = data.lines.map((line) => lineSeries(line, instants, palette));
  if (data.marks && data.marks.t.length) {
    option.series.push(markSeries(data.marks, data.origin_ms, palette, data.unit));
  }
  option.legend.data = option.series.map((series) => ({
    name: series.name, itemStyle: series.type === "line" ? { opacity: 0 } : {},
  }));
  option.tooltip.trigger = "axis";
  option.tooltip.axisPointer = { lineStyle: { color: palette.soft } };
  option.tooltip.formatter = (items) => tip(
    timeText(items[0].value[0]),
    items.filter((item) => item.seriesType === "line")
      .map((item) => [item.seriesName, format(item.value[1])]),
  );
  option.dataZoom = zoom(windows.focus);
  return option;
}

function callsOption(data, palette, windows) {
  const option = baseOption(palette, false);
  option.xAxis = timeAxis(palette, windows.range, false);
  option.yAxis = valueAxis(palette, `${data.unit}, logarithmic`, formatShort, { type: "log" });
  option.series = data.groups.map((group) => ({
    name: group.name, type: "scatter", symbol: group.symbol, symbolSize: 8,
    itemStyle: { color: withAlpha(palette[group.tone], 0.7) },
    data: group.t.map((offset, row) => [data.origin_ms + offset, group.amount[row], row]),
    tooltip: {
      formatter: ({ value }) => tip(`Call on ${group.account[value[2]]}`, [
        ["Made", timeText(value[0])],
        ["Amount", `${formatNumber(value[1])} ${data.unit}`],
        ["Deadline", `${group.deadline[value[2]]} UTC`],
        ["Outcome", group.name],
        ["Resolved after", group.taken_s[value[2]] === null ? "not resolved"
          : `${formatNumber(group.taken_s[value[2]] / 60)} min`],
      ]),
    },
  }));
  option.tooltip.trigger = "item";
  option.legend.itemWidth = 11;
  option.legend.itemHeight = 11;
  option.dataZoom = zoom(windows.focus);
  return option;
}

function sizesOption(data, palette) {
  const option = baseOption(palette, false);
  option.grid.bottom = 30;
  option.xAxis = {
    type: "category", data: data.labels, name: data.unit, nameLocation: "middle", nameGap: 26,
    nameTextStyle: { color: palette.soft, fontSize: 11.5 }, axisTick: { show: false },
    axisLine: { lineStyle: { color: palette.rule } },
    axisLabel: { color: palette.soft, fontSize: 11, hideOverlap: true },
  };
  option.yAxis = [
    valueAxis(palette, "accounts", formatShort, { scale: false, minInterval: 1 }),
    valueAxis(palette, "share of equity", axisAs("percent"), {
      scale: false, splitLine: { show: false },
      nameTextStyle: { color: palette.soft, fontSize: 11.5, align: "right" },
    }),
  ];
  option.series = [
    { name: "Accounts", type: "bar", barWidth: "62%", itemStyle: { color: palette.blue }, data: data.accounts },
    { name: "Share of all equity", type: "line", yAxisIndex: 1, symbol: "diamond", symbolSize: 8,
      itemStyle: { color: palette.orange }, lineStyle: { color: palette.orange, width: 1.6, type: "dashed" },
      data: data.shares },
  ];
  option.tooltip.trigger = "axis";
  option.tooltip.formatter = (items) => tip(`${items[0].name} ${data.unit}`, [
    ["Accounts", formatNumber(data.accounts[items[0].dataIndex])],
    ["Share of all equity", formatAs("percent")(data.shares[items[0].dataIndex])],
  ]);
  return option;
}

/* The window is part of the option, so that a redraw for another theme keeps it. */
function zoom(focus) {
  const part = focus ? { startValue: focus.start, endValue: focus.end } : { start: 0, end: 100 };
  return [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, filterMode: "none", ...part }];
}

const OPTIONS = {
  time: timeOption,
  calls: callsOption,
  sizes: sizesOption,
};
