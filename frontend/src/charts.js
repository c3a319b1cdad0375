import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { options } from "./charts/options.js";

use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);
const drawn = new Map();
let first = true; // what a partial brings is drawn at once, without a flourish

function draw(box) {
  if (drawn.has(box)) return;
  const source = box.querySelector('script[type="application/json"]');
  const spec = JSON.parse(source.textContent);
  const canvas = box.appendChild(document.createElement("div"));
  canvas.className = "w-chart-drawing";
  canvas.setAttribute("aria-hidden", "true");
  const chart = init(canvas, null, { renderer: "svg" });
  chart.setOption(options(spec, box.clientWidth, first));
  let width = box.clientWidth;
  const watch = new ResizeObserver(() => {
    if (box.clientWidth === width && chart.getHeight() === box.clientHeight) return;
    width = box.clientWidth;
    chart.resize(); chart.setOption(options(spec, box.clientWidth, false), true);
  });
  watch.observe(box);
  drawn.set(box, { chart, spec, watch });
}
function drawAll() {
  for (const [box, { chart, watch }] of drawn) if (!box.isConnected) { watch.disconnect(); chart.dispose(); drawn.delete(box); }
  for (const box of document.querySelectorAll("[data-chart]")) draw(box);
}
const redraw = () => { for (const [box, { chart, spec }] of drawn) chart.setOption(options(spec, box.clientWidth, false), true); };

drawAll();
first = false;
document.addEventListener("htmx:afterSwap", drawAll);
document.addEventListener("htmx:load", drawAll);
document.addEventListener("themechange", redraw);
