// @ts-check
import { colour } from "./options.js";

/** @typedef {import("chart.js").Plugin<"bar" | "line">} Plugin */

/**
 * Marks the category that the tooltip speaks of: a dashed line, or a band behind bars.
 * @type {Plugin}
 */
export const pointer = {
  id: "pointer",
  beforeDatasetsDraw(chart) {
    const [active] = chart.getActiveElements();
    if (!active) return;
    const { ctx, chartArea, scales } = chart;
    const x = scales.x.getPixelForValue(active.index);
    ctx.save();
    if (Reflect.get(scales.x.options, "stacked")) {
      const width = chartArea.width / Math.max(1, chart.data.labels?.length ?? 1);
      ctx.fillStyle = colour("area");
      ctx.fillRect(x - width / 2, chartArea.top, width, chartArea.height);
    } else {
      ctx.strokeStyle = colour("mut");
      ctx.setLineDash([3, 3]);
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
};

/**
 * The legend begins where the drawing does, with some space between them.
 * @type {Plugin}
 */
export const legendSpace = {
  id: "legendSpace",
  beforeInit(chart) {
    const legend = /** @type {{fit: () => void, height: number} | undefined} */ (/** @type {unknown} */ (chart.legend));
    if (!legend) return;
    const fit = legend.fit.bind(legend);
    legend.fit = () => {
      fit();
      legend.height += 8;
    };
  },
  afterLayout(chart) {
    if (chart.legend) chart.legend.left = -chart.legend.options.labels.padding;
  },
};
