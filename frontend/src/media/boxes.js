// @ts-check
// The arithmetic of a crop: whole pixels, always within the picture.

/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {{width: number, height: number}} Size */

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
export const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * The nearest box that lies within the picture.
 * @param {Box} box
 * @param {Size} whole
 * @returns {Box}
 */
export function within(box, whole) {
  const width = clamp(Math.round(box.width), 1, whole.width);
  const height = clamp(Math.round(box.height), 1, whole.height);
  return {
    left: clamp(Math.round(box.left), 0, whole.width - width),
    top: clamp(Math.round(box.top), 0, whole.height - height),
    width,
    height,
  };
}

/**
 * The box between two points; with a ratio (width / height), as much of it as has that shape, from the first point.
 * @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to
 * @param {Size} whole
 * @param {number} [ratio]
 * @returns {Box}
 */
export function between(from, to, whole, ratio = 0) {
  const end = { x: clamp(to.x, 0, whole.width), y: clamp(to.y, 0, whole.height) };
  let width = Math.abs(end.x - from.x);
  let height = Math.abs(end.y - from.y);
  if (ratio) {
    width = Math.min(width, height * ratio);
    height = width / ratio;
  }
  return within(
    {
      left: end.x < from.x ? from.x - width : from.x,
      top: end.y < from.y ? from.y - height : from.y,
      width,
      height,
    },
    whole,
  );
}

/**
 * The largest box of a shape around the middle of another one.
 * @param {Box} box
 * @param {Size} whole
 * @param {number} ratio
 * @returns {Box}
 */
export function shaped(box, whole, ratio) {
  const width = Math.min(whole.width, whole.height * ratio);
  const height = width / ratio;
  const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  return within({ left: middle.x - width / 2, top: middle.y - height / 2, width, height }, whole);
}
