// A form that is larger than the server takes (<body data-most>, bytes) is not sent: the page that refuses it
// would replace what was typed. <body data-too-large> says so where the form shows its problems.
import { formOf, one } from "../dom.js";

/** @param {FormDataEntryValue} value */
const bytes = (value) => (typeof value === "string" ? new Blob([value]).size : 0); // files have limits of their own

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [submitter]
 */
export function isTooLarge(form, submitter) {
  const fields = new FormData(form, submitter ?? undefined);
  if (form.enctype === "multipart/form-data" || form.dataset.autosave) {
    const whole = [...fields.values()].reduce((sum, value) => sum + bytes(value), 0);
    if (whole > limit()) return true;
  }
  return (
    form.enctype !== "multipart/form-data" &&
    new URLSearchParams(/** @type {Record<string, string>} */ (/** @type {unknown} */ (fields))).toString().length >
      limit()
  );
}
export function tooLargeText() {
  return document.body.dataset.tooLarge ?? "";
}
const limit = () => Number(document.body.dataset.most) || Infinity;

document.addEventListener(
  "submit",
  (event) => {
    const form = formOf(event);
    if (form.method !== "post" || !isTooLarge(form, event.submitter)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    /** @type {HTMLElement | null} */
    let place = one("[data-autosave-problem]");
    if (!place) {
      place = one("[data-too-large]", form) ?? document.createElement("div");
      place.dataset.tooLarge = "";
      form.prepend(place);
    }
    place.innerHTML = "";
    place.append(callout());
    place.scrollIntoView({ block: "nearest" });
  },
  true,
);

export function callout() {
  const box = document.createElement("div");
  box.className = "w-callout is-failed mb-4";
  box.setAttribute("role", "alert");
  box.textContent = tooLargeText();
  return box;
}
