import { all, one } from "../dom.js";

const root = document.documentElement;
const opener = one('[data-drawer="open"]');
const sidebar = document.getElementById("sidebar");

/** @param {boolean} isOpen */
function set(isOpen) {
  root.classList.toggle("w-drawer-is-open", isOpen);
  opener?.setAttribute("aria-expanded", String(isOpen));
  (isOpen ? one('[data-drawer="close"]', sidebar ?? document) : opener)?.focus();
}
if (opener && sidebar) {
  opener.setAttribute("aria-expanded", "false");
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    set(true);
  });
  for (const closer of document.querySelectorAll('[data-drawer="close"]'))
    closer.addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (!root.classList.contains("w-drawer-is-open")) return;
    if (event.key === "Escape") set(false);
    if (event.key === "Tab") keepInside(event);
  });
}
/** @param {KeyboardEvent} event */
function keepInside(event) {
  const stops = all("a, button, summary", sidebar ?? document).filter((stop) => stop.checkVisibility());
  const [first, last] = [stops[0], stops.at(-1)];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last?.focus();
  }
  if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}
