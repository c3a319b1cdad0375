// Turns our small spec (docs/pages.md) into ECharts' options, in the colours of the page.
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--w-${name}`).trim();
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function options(spec, width, moving = true) {
  const colours = { ink: css("ink"), mut: css("mut"), line: css("line"), card: css("card"), area: css("area") };
  const language = document.documentElement.lang || "en";
  const write = (digits = 0) => new Intl.NumberFormat(language, { maximumFractionDigits: digits });
  const right = spec.series.some((series) => series.axis === "right");
  const text = { fontFamily: '"Inter Variable", Inter, sans-serif', fontSize: 12, color: colours.mut };
  const small = spec.kind === "small";
  return {
    animation: moving && !still.matches, animationDuration: 350,
    textStyle: text,
    grid: { left: 0, right: right ? 0 : 8, top: spec.series.length > 1 ? 36 : 10, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { show: spec.series.length > 1, left: 0, top: 0, padding: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 12, textStyle: { ...text, padding: [0, 0, 0, -2] }, inactiveColor: colours.line, data: spec.series.map(({ name }) => name) },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colours.card, borderColor: colours.line, borderWidth: 1, padding: [8, 12],
      textStyle: { ...text, color: colours.ink, fontSize: 13, lineHeight: 20 }, axisPointer: { type: stacked(spec) ? "shadow" : "line", lineStyle: { color: colours.mut, type: [3, 3] }, shadowStyle: { color: colours.area } },
      formatter: (points) => [points[0].axisValueLabel, ...points.map((point) => `${point.seriesName}: ${point.value == null ? "–" : write(spec.series[point.seriesIndex].digits ?? spec.digits ?? 1).format(point.value)}${unit(spec, spec.series[point.seriesIndex])}`)].join("\n"),
    },
    xAxis: {
      type: "category", data: spec.categories, boundaryGap: spec.series.some((series) => isBar(spec, series)),
      axisLine: { lineStyle: { color: colours.line } }, axisTick: { show: false },
      axisLabel: { ...text, margin: 10, hideOverlap: true, alignMaxLabel: "right", alignMinLabel: spec.series.some((series) => isBar(spec, series)) ? null : "left", interval: every(spec.categories.length, width) - 1 },
    },
    yAxis: [axis(spec, spec.unit, false), ...(right ? [axis(spec, spec.right_unit, true)] : [])],
    series: spec.series.map((series, index) => draw(series, index)),
  };

  function axis(of, suffix = "", isRight) {
    const values = of.series.filter((series) => (series.axis === "right") === isRight).flatMap((series) => series.values).filter((value) => value != null);
    const whole = values.every((value) => Number.isInteger(value));
    return {
      type: "value", splitNumber: small || width < 420 ? 3 : 4, minInterval: whole ? 1 : 0, min: isRight ? 0 : of.min ?? lowest(of, values), max: values.some((value) => value > 0) ? undefined : 1, position: isRight ? "right" : "left",
      axisLabel: { ...text, margin: 10, formatter: (value) => `${write(whole ? 0 : 1).format(value)}${suffix}` },
      splitLine: { show: !isRight, lineStyle: { color: colours.line } },
    };
  }
  function draw(series, index) {
    const colour = css(series.tone ?? ["sent", "waiting", "planned"][index]);
    if (isBar(spec, series)) {
      const last = spec.series.findLastIndex((other) => isBar(spec, other)) === index;
      return { type: "bar", name: series.name, data: series.values, yAxisIndex: series.axis === "right" ? 1 : 0, stack: stacked(spec) ? "all" : undefined, barMaxWidth: stacked(spec) ? 34 : 9, barCategoryGap: stacked(spec) ? "42%" : "30%", barGap: "15%", z: 2, itemStyle: { color: colour, borderRadius: stacked(spec) ? (last ? [4, 4, 0, 0] : 0) : [3, 3, 0, 0], ...(stacked(spec) ? { borderColor: colours.card, borderWidth: 0.5 } : {}) }, emphasis: { disabled: true } };
    }
    return {
      type: "line", name: series.name, data: series.values, yAxisIndex: series.axis === "right" ? 1 : 0, z: series.dashed ? 3 : 4, smooth: spec.kind === "curve" ? 0.25 : false, showSymbol: series.values.filter((value) => value != null).length < 2, symbol: "circle", symbolSize: 6, connectNulls: false,
      lineStyle: { color: colour, width: series.dashed ? 1.4 : 2, type: series.dashed ? [5, 4] : "solid" }, itemStyle: { color: colour }, areaStyle: series.area ? { color: colour, opacity: 0.09 } : undefined, emphasis: { disabled: true },
    };
  }
}
// Labels a round number of categories apart: hours by 6 or 12, days by 7.
const ROUND = [1, 2, 3, 4, 6, 7, 12, 14, 24, 30, 60, 90];
function every(count, width) {
  const fewest = count / Math.max(3, Math.floor(width / 76));
  return ROUND.find((step) => step >= fewest) ?? Math.ceil(fewest);
}
const stacked = (spec) => spec.kind === "stacked";
const isBar = (spec, series) => (series.type ?? (["bars", "stacked"].includes(spec.kind) ? "bar" : "line")) === "bar";
const unit = (spec, series) => (series.axis === "right" ? spec.right_unit : spec.unit) ?? "";

// A line of large numbers that hardly move starts where they are; bars start at nothing.
function lowest(spec, values) {
  if (spec.kind !== "line" || !values.length || spec.series.some((series) => isBar(spec, series) && series.axis !== "right")) return 0;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low <= 0 || high - low > low * 0.6) return 0;
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1)));
  return Math.max(0, Math.floor((low - (high - low) * 0.6) / step) * step);
}
