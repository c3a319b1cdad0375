// <button data-insert="{{ first_name }}" data-insert-into="id_subject"> writes at the cursor, in editors too.
import { origin } from "../dom.js";

document.addEventListener("mousedown", (event) => {
  if (origin(event).closest("[data-insert]")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (origin(event).closest("[data-insert]"));
  if (!button) return;
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById(button.dataset.insertInto ?? ""));
  if (!field) return;
  const text = button.dataset.insert ?? "";
  if (field.wartaEditor) field.wartaEditor.insert(text);
  else {
    field.setRangeText(
      text,
      field.selectionStart ?? field.value.length,
      field.selectionEnd ?? field.value.length,
      "end",
    );
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }
  const menu = /** @type {HTMLDetailsElement | null} */ (button.closest("details.w-menu"));
  if (menu) menu.open = false;
});
