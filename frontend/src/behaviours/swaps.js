// A partial that replaces itself leaves open what was open.
const name = (details) =>
  details.id ||
  details.closest("[data-keep]")?.dataset.keep ||
  details.parentElement?.querySelector("[aria-label]")?.getAttribute("aria-label");
let open = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  open = [...event.target.querySelectorAll("details[open]")].map(name).filter(Boolean);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const details of document.querySelectorAll("details:not([open])"))
    if (open.includes(name(details))) details.open = true;
  open = [];
});
