// @ts-check
// Turns our small spec (docs/pages.md) into Chart.js' configuration, in the colours of the page.
import { isBar, isStacked, labelStep, lowest, write } from "./reading.js";

/** @import { ChartConfiguration, ChartDataset } from "chart.js" */
/** @import { Series, Spec } from "./reading.js" */

const AIR = 10; // pixels above a drawing; a legend brings as many of its own
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {string} name a colour of tokens.css, without its "--w-" */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--w-${name}`).trim();
}

/**
 * @param {Spec} spec
 * @param {boolean} moving whether it may grow into its place
 * @returns {ChartConfiguration<"bar" | "line">}
 */
export function configuration(spec, moving) {
  const right = spec.series.some((series) => series.axis === "right");
  return {
    type: "bar",
    data: { labels: spec.categories, datasets: spec.series.map((series, index) => dataset(spec, series, index)) },
    options: {
      animation: moving && !still.matches ? { duration: 350 } : false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      layout: { padding: { top: spec.series.length > 1 ? -AIR / 2 : AIR } },
      color: colour("mut"),
      scales: {
        x: horizontal(spec),
        left: vertical(spec, false),
        ...(right ? { right: vertical(spec, true) } : {}),
      },
      plugins: { legend: legend(spec), tooltip: tooltip(spec) },
    },
  };
}

/**
 * @param {Spec} spec
 * @param {Series} series
 * @param {number} index
 * @returns {ChartDataset<"bar" | "line">}
 */
function dataset(spec, series, index) {
  const tone = colour(series.tone ?? ["sent", "waiting", "planned"][index]);
  const common = { label: series.name, data: series.values, yAxisID: series.axis === "right" ? "right" : "left" };
  if (isBar(spec, series)) {
    const isTop = spec.series.findLastIndex((other) => isBar(spec, other)) === index;
    return {
      ...common,
      type: "bar",
      order: 2,
      backgroundColor: tone,
      hoverBackgroundColor: tone,
      ...shape(spec, isTop),
    };
  }
  const alone = series.values.filter((value) => value != null).length < 2;
  return {
    ...common,
    type: "line",
    order: series.dashed ? 1 : 0,
    borderColor: tone,
    borderWidth: series.dashed ? 1.4 : 2,
    borderDash: series.dashed ? [5, 4] : [],
    backgroundColor: series.area ? `${tone}17` : tone, // nine percent of the colour
    fill: series.area ? "origin" : false,
    cubicInterpolationMode: spec.kind === "curve" ? "monotone" : "default",
    pointRadius: alone ? 3 : 0,
    pointHoverRadius: 3,
    pointBackgroundColor: tone,
    pointBorderWidth: 0,
    spanGaps: false,
  };
}

/**
 * Stacked bars are wide and rounded at the top of the stack; others stand side by side, a hair apart.
 * @param {Spec} spec
 * @param {boolean} isTop
 */
function shape(spec, isTop) {
  if (isStacked(spec)) {
    const corner = isTop ? 4 : 0;
    return {
      stack: "all",
      borderColor: colour("card"),
      borderWidth: 0.5,
      borderRadius: { topLeft: corner, topRight: corner },
      maxBarThickness: 34,
      categoryPercentage: 0.58,
      barPercentage: 1,
    };
  }
  const bars = spec.series.filter((series) => isBar(spec, series)).length;
  /** @param {{chart: import("chart.js").Chart}} context */
  const thickness = ({ chart }) => Math.max(2, Math.min(10, (0.7 * chart.width) / spec.categories.length / bars));
  return {
    borderColor: "transparent",
    borderWidth: { top: 0, bottom: 0, left: 0, right: 1 },
    borderRadius: { topLeft: 3, topRight: 3 },
    barThickness: /** @type {any} */ (thickness), // resolved like every option, though its type knows numbers only
  };
}

/** @param {Spec} spec */
function horizontal(spec) {
  const bars = spec.series.some((series) => isBar(spec, series));
  return {
    offset: bars,
    stacked: isStacked(spec),
    grid: { display: false },
    border: { color: colour("line") },
    ticks: {
      color: colour("mut"),
      autoSkip: false,
      maxRotation: 0,
      padding: 6,
      align: /** @type {"center" | "inner"} */ (bars ? "center" : "inner"),
      /** @this {import("chart.js").Scale} */
      callback(/** @type {number | string} */ _value, /** @type {number} */ index) {
        return index % labelStep(spec.categories.length, this.chart.width) === 0 ? spec.categories[index] : "";
      },
    },
  };
}

/**
 * @param {Spec} spec
 * @param {boolean} isRight
 */
function vertical(spec, isRight) {
  const values = spec.series
    .filter((series) => (series.axis === "right") === isRight)
    .flatMap((series) => series.values)
    .filter((value) => value != null);
  const whole = values.every((value) => Number.isInteger(value));
  const format = write(whole ? 0 : 1);
  const suffix = (isRight ? spec.right_unit : spec.unit) ?? "";
  return {
    position: /** @type {"left" | "right"} */ (isRight ? "right" : "left"),
    stacked: isStacked(spec),
    min: isRight ? 0 : (spec.min ?? lowest(spec, values)),
    ...(values.some((value) => value > 0) ? {} : { max: 1 }),
    border: { display: false },
    grid: { display: !isRight, color: colour("line"), drawTicks: false },
    ticks: {
      color: colour("mut"),
      padding: 10,
      maxTicksLimit: spec.kind === "small" ? 4 : 6,
      ...(whole ? { precision: 0 } : {}),
      callback: (/** @type {number | string} */ value) => `${format(Number(value))}${suffix}`,
    },
  };
}

/** @param {Spec} spec */
function legend(spec) {
  return {
    display: spec.series.length > 1,
    align: /** @type {const} */ ("start"),
    onClick: () => {}, // the numbers stand in the table; nothing is to be hidden here
    labels: {
      color: colour("mut"),
      boxWidth: 10,
      boxHeight: 10,
      padding: 12,
      useBorderRadius: true,
      borderRadius: 3,
      /** @param {import("chart.js").Chart} chart */
      generateLabels: (chart) =>
        chart.data.datasets.map(({ label = "" }, index) => {
          const tone = colour(spec.series[index].tone ?? ["sent", "waiting", "planned"][index]);
          return {
            text: label,
            fontColor: colour("mut"),
            fillStyle: tone,
            lineWidth: 0,
            borderRadius: 3,
            datasetIndex: index,
          };
        }),
    },
  };
}

/** @param {Spec} spec */
function tooltip(spec) {
  return {
    backgroundColor: colour("card"),
    borderColor: colour("line"),
    borderWidth: 1,
    padding: { x: 12, y: 8 },
    caretSize: 0,
    displayColors: false,
    titleColor: colour("ink"),
    titleFont: { size: 13, weight: /** @type {const} */ ("normal") },
    bodyColor: colour("ink"),
    bodyFont: { size: 13 },
    animation: /** @type {const} */ (false),
    callbacks: {
      /** @param {{datasetIndex: number, raw: unknown}} item */
      label({ datasetIndex, raw }) {
        const series = spec.series[datasetIndex];
        const unit = (series.axis === "right" ? spec.right_unit : spec.unit) ?? "";
        const value = typeof raw === "number" ? write(series.digits ?? spec.digits ?? 1)(raw) : "–";
        return `${series.name}: ${value}${unit}`;
      },
    },
  };
}
