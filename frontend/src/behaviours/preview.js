// <iframe data-preview-of="form-id"> loads anew when that form was saved by itself. The new document
// is loaded beside the old one and takes its place when it is there, so nothing flickers.
document.addEventListener("autosaved", (event) => {
  for (const frame of document.querySelectorAll(
    `iframe[data-preview-of="${CSS.escape(event.target.id)}"]:not([hidden])`,
  )) {
    for (const waiting of frame.parentElement.querySelectorAll("iframe[hidden]")) waiting.remove();
    const fresh = frame.cloneNode();
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
const fit = (stage) => stage.style.setProperty("--w-scale", String(Math.min(1, stage.clientWidth / DESKTOP)));
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) fit(target);
});
const watch = (root) => {
  for (const stage of root.querySelectorAll("[data-fit-desktop]")) watcher.observe(stage);
};
watch(document);
document.addEventListener("htmx:load", () => watch(document));

// <p data-count-of="field-id" data-short="{n} …" data-medium data-long> counts as one types. A merge
// tag counts as a word of seven letters, because nobody will read its braces (`campaigns/subjects.py`).
const TAG = /\{\{[^}]*\}\}/g;
function count(place) {
  const field = document.getElementById(place.dataset.countOf);
  if (!field) return;
  const length = [...field.value.replace(TAG, "friends")].length;
  const { short, medium, long } = place.dataset;
  place.textContent = (length <= 41 ? short : length <= 70 ? medium : long).replace("{n}", length);
}
const countAll = () => document.querySelectorAll("[data-count-of]").forEach(count);
document.addEventListener("input", (event) => {
  if (event.target.id) document.querySelectorAll(`[data-count-of="${CSS.escape(event.target.id)}"]`).forEach(count);
});
countAll();
