// <details class="w-menu"> closes on Escape, on a click elsewhere, and when another opens.
const open = () => document.querySelectorAll("details.w-menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.w-menu[open]");
  if (event.key === "Escape") {
    for (const other of open()) {
      other.open = false;
      if (other.contains(document.activeElement)) other.querySelector("summary").focus();
    }
    return;
  }
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll("a.w-menu-item, button.w-menu-item")];
  if (!items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length].focus();
});
