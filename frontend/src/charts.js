// @ts-check
// Draws every [data-chart] of the page, also of what a partial brings.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import { configuration } from "./charts/options.js";
import { legendSpace, pointer } from "./charts/plugins.js";

/** @import { Spec } from "./charts/reading.js" */

Chart.register(BarController, BarElement, CategoryScale, Filler, Legend, LinearScale);
Chart.register(LineController, LineElement, PointElement, Tooltip, legendSpace, pointer);

Object.assign(Chart.defaults.font, { family: '"Inter Variable", Inter, sans-serif', size: 12 });

/** @type {Map<Element, {chart: Chart<"bar" | "line">, spec: Spec}>} */
const drawn = new Map();
let first = true; // what a partial brings is drawn at once, without a flourish

/** @param {Element} box */
function draw(box) {
  if (drawn.has(box)) return;
  const source = box.querySelector('script[type="application/json"]');
  const spec = /** @type {Spec} */ (JSON.parse(source?.textContent ?? ""));
  const place = document.createElement("div");
  place.className = "w-chart-drawing";
  place.setAttribute("aria-hidden", "true");
  const canvas = place.appendChild(document.createElement("canvas"));
  box.append(place);
  drawn.set(box, { chart: new Chart(canvas, configuration(spec, first)), spec });
}

function drawAll() {
  for (const [box, { chart }] of drawn) {
    if (box.isConnected) continue;
    chart.destroy();
    drawn.delete(box);
  }
  for (const box of document.querySelectorAll("[data-chart]")) draw(box);
}

function redraw() {
  for (const { chart, spec } of drawn.values()) {
    const { data, options } = configuration(spec, false);
    Object.assign(chart, { data, options });
    chart.update("none");
  }
}

drawAll();
first = false;
document.fonts.ready.then(redraw);
document.addEventListener("htmx:afterSwap", drawAll);
document.addEventListener("htmx:load", drawAll);
document.addEventListener("themechange", redraw);
