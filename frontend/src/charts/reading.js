// @ts-check
// What a chart's spec says, without a word about drawing.

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | null)[]} values one for each category; null where there is none
 * @property {string} [tone] a colour of tokens.css
 * @property {"line" | "bar"} [type]
 * @property {"right"} [axis]
 * @property {boolean} [area]
 * @property {boolean} [dashed]
 * @property {number} [digits]
 */
/**
 * @typedef {object} Spec
 * @property {"line" | "bars" | "stacked" | "curve" | "small"} kind
 * @property {string[]} categories
 * @property {Series[]} series
 * @property {string} [unit]
 * @property {string} [right_unit]
 * @property {number} [digits]
 * @property {number} [min]
 */

/** @param {Spec} spec */
export const isStacked = (spec) => spec.kind === "stacked";

/**
 * @param {Spec} spec
 * @param {Series} series
 */
export const isBar = (spec, series) =>
  (series.type ?? (["bars", "stacked"].includes(spec.kind) ? "bar" : "line")) === "bar";

/**
 * @param {number} digits at most so many after the decimal sign
 * @returns {(value: number) => string}
 */
export function write(digits) {
  const format = new Intl.NumberFormat(document.documentElement.lang || "en", { maximumFractionDigits: digits });
  return (value) => format.format(value);
}

// Labels a round number of categories apart: hours by 6 or 12, days by 7.
const ROUND = [1, 2, 3, 4, 6, 7, 12, 14, 24, 30, 60, 90];
const LABEL = 76;

/**
 * @param {number} count categories
 * @param {number} width pixels for all of them
 */
export function labelStep(count, width) {
  const fewest = count / Math.max(3, Math.floor(width / LABEL));
  return ROUND.find((step) => step >= fewest) ?? Math.ceil(fewest);
}

/**
 * A line of large numbers that hardly move starts where they are; bars start at nothing.
 * @param {Spec} spec
 * @param {number[]} values
 */
export function lowest(spec, values) {
  const hasBars = spec.series.some((series) => isBar(spec, series) && series.axis !== "right");
  if (spec.kind !== "line" || !values.length || hasBars) return 0;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low <= 0 || high - low > low * 0.6) return 0;
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1)));
  return Math.max(0, Math.floor((low - (high - low) * 0.6) / step) * step);
}
