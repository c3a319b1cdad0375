// "/" goes to the search; the arrows walk through what it finds; Escape leaves.
import { all, one, origin } from "../dom.js";

const field = one("[data-search]");
const found = () => all("#search-results a");

document.addEventListener("keydown", (event) => {
  if (!field) return;
  if (
    event.key === "/" &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey &&
    !origin(event).closest("input, textarea, select, [contenteditable]")
  ) {
    event.preventDefault();
    field.focus();
    field.select();
    return;
  }
  if (!field.form?.contains(origin(event))) return;
  if (event.key === "Escape") origin(event).blur();
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [field, ...found()];
  const at = stops.indexOf(origin(event)) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  stops[(at + stops.length) % stops.length].focus();
});
