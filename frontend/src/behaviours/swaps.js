// A partial that replaces itself leaves open what was open.
import { all, origin } from "../dom.js";

/** @param {HTMLElement} details */
const name = (details) =>
  details.id ||
  /** @type {HTMLElement | null} */ (details.closest("[data-keep]"))?.dataset.keep ||
  details.parentElement?.querySelector("[aria-label]")?.getAttribute("aria-label");
/** @type {(string | null | undefined)[]} */
let open = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  open = all("details[open]", origin(event)).map(name).filter(Boolean);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const details of all("details:not([open])")) if (open.includes(name(details))) details.setAttribute("open", "");
  open = [];
});
