// @ts-check
// The dialog in which a picture is chosen for an editor. <button data-picks-for="id_source"> opens it by htmx; what is
// uploaded in it is chosen at once; "Insert" writes it at the cursor of that field's editor.
import { one, origin } from "../dom.js";

let field = "";

document.addEventListener("click", (event) => {
  /** @type {HTMLElement | null} */
  const opener = origin(event).closest("[data-picks-for]");
  if (opener) field = opener.dataset.picksFor ?? "";
  if (origin(event).closest("[data-picker-insert]")) insert();
});
document.addEventListener("change", (event) => {
  if (origin(event).closest("[data-picker-found]")) choose();
});
document.addEventListener("submit", (event) => {
  if (!origin(event).matches("[data-picker-form]")) return;
  event.preventDefault();
  insert();
});
document.addEventListener("uploaded", (event) => {
  const dialog = origin(event).closest("[data-picker]");
  if (!dialog) return;
  add(dialog, /** @type {CustomEvent} */ (event).detail);
  choose();
  one("#picker-alt")?.focus();
});
// Opened again it is another one, which knows nothing of what was chosen in this.
document.addEventListener(
  "close",
  (event) => {
    if (origin(event).matches?.("[data-picker]")) origin(event).remove();
  },
  true,
);

/**
 * Puts a picture that was just uploaded in front of the others, and chooses it.
 * @param {Element} dialog
 * @param {import("./sending.js").Picture} picture
 */
function add(dialog, picture) {
  dialog.querySelector("[data-picker-none]")?.remove();
  dialog.querySelector(`[data-picker-list] input[value="${picture.id}"]`)?.closest("li")?.remove();
  const pattern = /** @type {HTMLTemplateElement | null} */ (dialog.querySelector("[data-picker-row]"));
  const row = /** @type {HTMLElement | undefined} */ (pattern?.content.firstElementChild?.cloneNode(true));
  const input = row && one("input", row);
  if (!row || !input) return;
  input.value = String(picture.id);
  const { url, alt, width, height } = picture;
  Object.assign(input.dataset, { url, alt, width: String(width), height: String(height) });
  row.querySelector("img")?.setAttribute("src", picture.thumbnail);
  const texts = { strong: picture.name, small: `${width} × ${height}` };
  for (const [tag, text] of Object.entries(texts)) {
    const place = row.querySelector(tag);
    if (place) place.textContent = text;
  }
  dialog.querySelector("[data-picker-list]")?.prepend(row);
  input.checked = true;
}

function choose() {
  const chosen = one("[data-picker-found] input:checked");
  const alt = one("#picker-alt");
  if (alt && chosen) alt.value = chosen.dataset.alt ?? "";
  const button = one("[data-picker-insert]");
  if (button) button.disabled = !chosen;
}

function insert() {
  const chosen = one("[data-picker-found] input:checked");
  const target = document.getElementById(field);
  if (!chosen || !target?.wartaEditor) return;
  const alt = one("#picker-alt")?.value.trim() ?? "";
  const { url = "", width = "0", height = "0" } = chosen.dataset;
  chosen.closest("dialog")?.close();
  target.wartaEditor.insertPicture?.({ url, alt, width: Number(width), height: Number(height) });
  if (alt && !chosen.dataset.alt) keep(chosen.value, alt);
}

/**
 * What was typed for a picture without words is kept for the next time.
 * @param {string} id
 * @param {string} alt
 */
function keep(id, alt) {
  const address = /** @type {HTMLElement | null} */ (document.querySelector("[data-alt-address]"))?.dataset.altAddress;
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const body = new URLSearchParams({ alt_text: alt });
  if (!address) return;
  fetch(address.replace("/0/", `/${id}/`), { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => {});
}
