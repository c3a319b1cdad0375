// @ts-check
// A refused form puts the focus on its summary; a changed one asks before it is left; one press is one request.
import { formOf, one, origin } from "../dom.js";

one("[data-error-summary]")?.focus();

/** @type {Set<HTMLFormElement>} */
const dirty = new Set();
document.addEventListener("input", (event) => {
  /** @type {HTMLFormElement | null} */
  const form = origin(event).closest("form[data-guard]");
  if (form) dirty.add(form);
});
document.addEventListener("submit", (event) => dirty.delete(formOf(event)));
document.addEventListener("autosaved", (event) => dirty.delete(formOf(event)));
window.addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || formOf(event).method !== "post" || formOf(event).hasAttribute("hx-post")) return;
  const button = event.submitter;
  if (button) setTimeout(() => button.setAttribute("aria-busy", "true"), 0);
});
window.addEventListener("pageshow", () => {
  for (const busy of document.querySelectorAll('[aria-busy="true"]')) busy.removeAttribute("aria-busy");
});
// <select data-submit>: sends its form when changed.
document.addEventListener("change", (event) => {
  if (origin(event).matches("[data-submit]")) origin(event).form?.requestSubmit();
});
