// <details class="w-menu"> closes on Escape, on a click elsewhere, and when another opens.
import { all, origin } from "../dom.js";

const open = () => /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.w-menu[open]"));

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(origin(event))) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = origin(event).closest?.("details.w-menu[open]");
  if (event.key === "Escape") {
    for (const other of open()) {
      other.open = false;
      if (other.contains(document.activeElement)) other.querySelector("summary")?.focus();
    }
    return;
  }
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  /** @type {(Element | null)[]} */
  const items = all("a.w-menu-item, button.w-menu-item", menu);
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  /** @type {HTMLElement} */ (items[(at + step + items.length) % items.length]).focus();
});
