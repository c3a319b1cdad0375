// @ts-check
// <div data-crop="form-id" data-crop-width data-crop-height> around a picture: a part is chosen by pointer. The numbers
// in the form (left, top, width, height) are what counts; they lead the box as they follow it.
import { all, one, origin } from "../dom.js";
import { between, shaped, within } from "./boxes.js";

/** @param {HTMLElement} place */
function start(place) {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById(place.dataset.crop ?? ""));
  if (!form) return;
  const whole = { width: Number(place.dataset.cropWidth), height: Number(place.dataset.cropHeight) };
  const box = Object.assign(document.createElement("div"), { className: "w-crop-box" });
  for (const corner of ["nw", "ne", "sw", "se"]) {
    box.append(Object.assign(document.createElement("span"), { className: `w-crop-corner is-${corner}` }));
  }
  place.append(box);
  for (const hidden of all("[data-crop-hint], [data-crop-shapes]")) hidden.hidden = false;
  let ratio = 0;

  /** @param {string} name */
  const number = (name) => Number(one(`[name="${name}"]`, form)?.value) || 0;
  const stored = () =>
    within({ left: number("left"), top: number("top"), width: number("width"), height: number("height") }, whole);
  const draw = () => {
    const now = stored();
    box.style.left = `${(now.left / whole.width) * 100}%`;
    box.style.top = `${(now.top / whole.height) * 100}%`;
    box.style.width = `${(now.width / whole.width) * 100}%`;
    box.style.height = `${(now.height / whole.height) * 100}%`;
  };
  /** @param {import("./boxes.js").Box} next */
  const store = (next) => {
    for (const [name, value] of Object.entries(next)) {
      const field = one(`[name="${name}"]`, form);
      if (field) field.value = String(value);
    }
    draw();
  };
  /** @param {PointerEvent} event */
  const point = (event) => {
    const frame = place.getBoundingClientRect();
    return {
      x: ((event.clientX - frame.left) / frame.width) * whole.width,
      y: ((event.clientY - frame.top) / frame.height) * whole.height,
    };
  };

  place.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    place.setPointerCapture(event.pointerId);
    const first = point(event);
    const before = stored();
    const corner = origin(event).closest(".w-crop-corner");
    const isWhole = before.width === whole.width && before.height === whole.height;
    const moves = !corner && !isWhole && origin(event) === /** @type {Element} */ (box);
    let from = first;
    if (corner) {
      const isWest = corner.matches(".is-nw, .is-sw");
      const isNorth = corner.matches(".is-nw, .is-ne");
      from = {
        x: isWest ? before.left + before.width : before.left,
        y: isNorth ? before.top + before.height : before.top,
      };
    }
    /** @param {PointerEvent} move */
    const drag = (move) => {
      const now = point(move);
      if (moves)
        store(within({ ...before, left: before.left + now.x - first.x, top: before.top + now.y - first.y }, whole));
      else if (Math.abs(now.x - from.x) > 2 && Math.abs(now.y - from.y) > 2) store(between(from, now, whole, ratio));
    };
    const end = () => {
      place.removeEventListener("pointermove", drag);
      place.removeEventListener("pointerup", end);
      place.removeEventListener("pointercancel", end);
    };
    place.addEventListener("pointermove", drag);
    place.addEventListener("pointerup", end);
    place.addEventListener("pointercancel", end);
  });
  form.addEventListener("input", draw);
  form.addEventListener("click", (event) => {
    /** @type {HTMLElement | null} */
    const button = origin(event).closest("[data-crop-shape]");
    if (button) {
      const [across, down] = (button.dataset.cropShape ?? "").split("/").map(Number);
      ratio = down ? across / down : 0;
      for (const other of all("[data-crop-shape]", form)) other.setAttribute("aria-pressed", String(other === button));
      if (ratio) store(shaped(stored(), whole, ratio));
    }
    if (origin(event).closest("[data-crop-whole]")) store({ left: 0, top: 0, ...whole });
  });
  draw();
}
for (const place of all("[data-crop]")) start(place);
