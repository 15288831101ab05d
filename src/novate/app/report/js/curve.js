/* Lines over a number: smiles over moneyness, gamma over spot.  Points are not in the legend. */

function curveSeries(line, palette) {
  const colour = palette[line.tone];
  const isPoints = line.form === "points";
  return {
    name: line.name, type: isPoints ? "scatter" : "line", symbol: isPoints ? line.symbol : "none",
    symbolSize: 7, symbolRotate: line.turn || 0, yAxisIndex: 0,
    itemStyle: { color: isPoints ? withAlpha(colour, 0.85) : colour },
    lineStyle: { color: colour, width: 1.6, type: line.dash },
    areaStyle: line.area ? { color: withAlpha(colour, 0.14), origin: "auto" } : undefined,
    data: line.x.map((x, row) => [x, line.y[row]]),
  };
}

function curveOption(data, palette) {
  const option = baseOption(palette, false);
  const format = formatAs(data.form);
  option.grid.bottom = 30;
  option.xAxis = {
    type: "value", name: data.x_unit, nameLocation: "middle", nameGap: 26, scale: true,
    splitNumber: 6,
    nameTextStyle: { color: palette.soft, fontSize: 11.5 },
    axisLine: { onZero: false, lineStyle: { color: palette.rule } },
    axisTick: { lineStyle: { color: palette.rule } }, splitLine: { show: false },
    axisLabel: { color: palette.soft, fontSize: 11.5, hideOverlap: true, formatter: formatShort },
  };
  option.yAxis = valueAxis(palette, data.unit, axisAs(data.form), { scale: true, splitNumber: 5 });
  option.yAxis.axisLine = { show: false, onZero: false };
  option.series = data.lines.map((line) => curveSeries(line, palette));
  option.legend.data = option.series.filter((series) => series.type === "line")
    .map((series) => ({ name: series.name, itemStyle: { opacity: 0 } }));
  option.tooltip.axisPointer = { lineStyle: { color: palette.soft } };
  option.tooltip.trigger = "axis";
  option.tooltip.formatter = (items) => tip(
    `${formatNumber(items[0].value[0])} ${data.x_unit}`,
    items.map((item) => [item.seriesName, format(item.value[1])]),
  );
  return option;
}

OPTIONS.curve = curveOption;
