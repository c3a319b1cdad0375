// @ts-check
// <form data-confirm="Question?" data-confirm-text="…" data-confirm-button="Delete"> asks before it sends.
// <button data-dialog="id"> opens <dialog id>, <button data-dialog-close> closes it.
// A partial swapped into #dialogs that holds a <dialog> opens by itself.
import { origin } from "../dom.js";

/** @type {HTMLFormElement | null} */
let asked = null;

document.addEventListener(
  "submit",
  (event) => {
    /** @type {HTMLFormElement | null} */
    const form = origin(event).closest("[data-confirm]");
    if (!form || asked === form) {
      asked = null;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form, event.submitter);
  },
  true,
);

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
function ask(form, submitter) {
  const { confirm, confirmText = "", confirmButton = "OK" } = form.dataset;
  const dialog = document.createElement("dialog");
  dialog.className = "w-dialog";
  dialog.setAttribute("aria-labelledby", "confirm-title");
  const body = element("div", "w-dialog-body");
  body.append(Object.assign(element("h2", "", confirm), { id: "confirm-title" }));
  if (confirmText) body.append(element("p", "w-muted", confirmText));
  const actions = element("div", "w-dialog-actions");
  const cancel = element("button", "btn", document.body.dataset.cancel);
  const danger = submitter?.classList.contains("btn-primary") ? "btn btn-primary" : "btn btn-danger";
  const go = element("button", danger, confirmButton);
  actions.append(cancel, go);
  dialog.append(body, actions);
  document.body.append(dialog);
  cancel.addEventListener("click", () => dialog.close());
  go.addEventListener("click", () => {
    asked = form;
    dialog.close();
    form.requestSubmit(submitter ?? undefined);
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  cancel.focus();
}
/**
 * @param {string} name
 * @param {string} className
 * @param {string} [text]
 */
function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}
/** @param {Element | null} dialog */
function show(dialog) {
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}
document.addEventListener("click", (event) => {
  /** @type {HTMLElement | null} */
  const opener = origin(event).closest("[data-dialog]");
  if (opener) show(document.getElementById(opener.dataset.dialog ?? ""));
  const closer = origin(event).closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
  }
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (origin(event).id === "dialogs") show(origin(event).querySelector("dialog:not([open])"));
});
