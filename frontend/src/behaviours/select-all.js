// <input type="checkbox" data-select-all="name"> follows and leads the boxes of that name;
// [data-selected-count] shows how many, [data-selected-only] shows itself when there are any, [data-selected-stays] stays in sight then.
const boxes = (name) => [...document.querySelectorAll(`input[type="checkbox"][name="${CSS.escape(name)}"]`)];

function refresh(name) {
  const all = boxes(name);
  const chosen = all.filter((box) => box.checked).length;
  for (const lead of document.querySelectorAll(`[data-select-all="${CSS.escape(name)}"]`)) {
    lead.checked = chosen > 0 && chosen === all.length;
    lead.indeterminate = chosen > 0 && chosen < all.length;
  }
  for (const place of document.querySelectorAll("[data-selected-count]")) place.textContent = chosen.toLocaleString(document.documentElement.lang);
  sayAction();
  for (const place of document.querySelectorAll("[data-selected-only]")) place.hidden = chosen === 0;
  for (const place of document.querySelectorAll("[data-selected-stays]")) place.classList.toggle("is-staying", chosen > 0);
}
// <button data-says-action="{action}: {n}"> says what its form's choices would do: "Add a tag: 3".
function sayAction() {
  for (const button of document.querySelectorAll("[data-says-action]")) {
    const { action, whom } = button.form.elements;
    const everybody = whom?.value === "matching";
    const count = button.form.querySelector("[data-selected-count]").textContent;
    const words = action.selectedOptions[0].textContent.trim();
    button.textContent = everybody ? words : button.dataset.saysAction.replace("{action}", words).replace("{n}", count);
  }
}
document.addEventListener("change", (event) => {
  sayAction();
  const lead = event.target.closest("[data-select-all]");
  if (lead) {
    for (const box of boxes(lead.dataset.selectAll)) box.checked = lead.checked;
    refresh(lead.dataset.selectAll);
    return;
  }
  const name = event.target.name;
  if (name && document.querySelector(`[data-select-all="${CSS.escape(name)}"]`)) refresh(name);
});
const start = () => { for (const lead of document.querySelectorAll("[data-select-all]")) refresh(lead.dataset.selectAll); };
start();
document.addEventListener("htmx:load", start);
