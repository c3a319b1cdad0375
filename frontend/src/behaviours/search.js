// "/" goes to the search; the arrows walk through what it finds; Escape leaves.
const field = document.querySelector("[data-search]");
const found = () => [...document.querySelectorAll("#search-results a")];

document.addEventListener("keydown", (event) => {
  if (!field) return;
  if (
    event.key === "/" &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey &&
    !event.target.closest("input, textarea, select, [contenteditable]")
  ) {
    event.preventDefault();
    field.focus();
    field.select();
    return;
  }
  if (!field.form.contains(event.target)) return;
  if (event.key === "Escape") document.activeElement.blur();
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [field, ...found()];
  const at = stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  stops[(at + stops.length) % stops.length].focus();
});
