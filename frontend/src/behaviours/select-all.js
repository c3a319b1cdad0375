// @ts-check
// <input type="checkbox" data-select-all="name"> follows and leads the boxes of that name;
// [data-selected-count] shows how many, [data-selected-only] shows itself when there are any, [data-selected-stays] stays in sight then.
import { all, one, origin } from "../dom.js";

/** @param {string} name */
const boxes = (name) => all(`input[type="checkbox"][name="${CSS.escape(name)}"]`);

/** @param {string} name */
function refresh(name) {
  const those = boxes(name);
  const chosen = those.filter((box) => box.checked).length;
  for (const lead of all(`[data-select-all="${CSS.escape(name)}"]`)) {
    lead.checked = chosen > 0 && chosen === those.length;
    lead.indeterminate = chosen > 0 && chosen < those.length;
  }
  for (const place of all("[data-selected-count]"))
    place.textContent = chosen.toLocaleString(document.documentElement.lang);
  sayAction();
  for (const place of all("[data-selected-only]")) place.hidden = chosen === 0;
  for (const place of all("[data-selected-stays]")) place.classList.toggle("is-staying", chosen > 0);
}
// <button data-says-action="{action}: {n}"> says what its form's choices would do: "Add a tag: 3".
function sayAction() {
  for (const button of all("[data-says-action]")) {
    if (!button.form) continue;
    /** @type {HTMLSelectElement | null} */
    const action = button.form.querySelector("select[name=action]");
    const everybody = one("[name=whom]:checked, select[name=whom]", button.form)?.value === "matching";
    const count = one("[data-selected-count]", button.form)?.textContent ?? "";
    const words = action?.options[action.selectedIndex]?.textContent.trim() ?? "";
    const pattern = button.dataset.saysAction ?? "";
    button.textContent = everybody ? words : pattern.replace("{action}", words).replace("{n}", count);
  }
}
document.addEventListener("change", (event) => {
  sayAction();
  /** @type {HTMLInputElement | null} */
  const lead = origin(event).closest("[data-select-all]");
  if (lead) {
    for (const box of boxes(lead.dataset.selectAll ?? "")) box.checked = lead.checked;
    refresh(lead.dataset.selectAll ?? "");
    return;
  }
  const name = origin(event).name;
  if (name && document.querySelector(`[data-select-all="${CSS.escape(name)}"]`)) refresh(name);
});
const start = () => {
  for (const lead of all("[data-select-all]")) refresh(lead.dataset.selectAll ?? "");
};
start();
document.addEventListener("htmx:load", start);
