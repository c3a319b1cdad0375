// <iframe data-preview-of="form-id"> loads anew when that form was saved by itself. The new document
// is loaded beside the old one and takes its place when it is there, so nothing flickers.
import { all, one, origin } from "../dom.js";

document.addEventListener("autosaved", (event) => {
  for (const frame of all(`iframe[data-preview-of="${CSS.escape(origin(event).id)}"]:not([hidden])`)) {
    for (const waiting of all("iframe[hidden]", frame.parentElement ?? document)) waiting.remove();
    const fresh = /** @type {HTMLElement} */ (frame.cloneNode());
    fresh.hidden = true;
    fresh.addEventListener(
      "load",
      () => {
        fresh.hidden = false;
        frame.remove();
      },
      { once: true },
    );
    frame.after(fresh);
  }
});

// A desktop's preview is laid out in a desktop's width, whatever room the page has, and drawn smaller to fit.
const DESKTOP = 680;
/** @param {HTMLElement} stage */
const fit = (stage) => stage.style.setProperty("--w-scale", String(Math.min(1, stage.clientWidth / DESKTOP)));
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) fit(/** @type {HTMLElement} */ (target));
});
/** @param {ParentNode} root */
const watch = (root) => {
  for (const stage of root.querySelectorAll("[data-fit-desktop]")) watcher.observe(stage);
};
watch(document);
document.addEventListener("htmx:load", () => watch(document));

// <p data-count-of="field-id" data-short="{n} …" data-medium data-long> counts as one types. A merge
// tag counts as a word of seven letters, because nobody will read its braces (`campaigns/subjects.py`).
const TAG = /\{\{[^}]*\}\}/g;
/** @param {HTMLElement} place */
function count(place) {
  const field = one(`#${CSS.escape(place.dataset.countOf ?? "")}`);
  if (!field) return;
  const length = [...field.value.replace(TAG, "friends")].length;
  const { short = "", medium = "", long = "" } = place.dataset;
  place.textContent = (length <= 41 ? short : length <= 70 ? medium : long).replace("{n}", String(length));
}
const countAll = () => all("[data-count-of]").forEach(count);
document.addEventListener("input", (event) => {
  const { id } = origin(event);
  if (id) all(`[data-count-of="${CSS.escape(id)}"]`).forEach(count);
});
countAll();
