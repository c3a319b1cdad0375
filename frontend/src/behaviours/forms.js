// A refused form puts the focus on its summary; a changed one asks before it is left; one press is one request.
document.querySelector("[data-error-summary]")?.focus();

const dirty = new Set();
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) dirty.add(form);
});
document.addEventListener("submit", (event) => dirty.delete(event.target));
document.addEventListener("autosaved", (event) => dirty.delete(event.target));
window.addEventListener("beforeunload", (event) => { if ([...dirty].some((form) => form.isConnected)) event.preventDefault(); });

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || event.target.hasAttribute("hx-post")) return;
  const button = event.submitter;
  if (button) setTimeout(() => { button.setAttribute("aria-busy", "true"); }, 0);
});
window.addEventListener("pageshow", () => { for (const busy of document.querySelectorAll('[aria-busy="true"]')) busy.removeAttribute("aria-busy"); });
// <select data-submit>: sends its form when changed.
document.addEventListener("change", (event) => { if (event.target.matches("[data-submit]")) event.target.form.requestSubmit(); });
