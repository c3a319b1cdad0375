// @ts-check
// <form data-upload>: files that are chosen, dropped on the page or pasted are sent one by one, two at a time, each
// with its progress in [data-upload-list]. One that is refused says why; the others go on. "uploaded" is dispatched
// on the form for each. data-reload="#part" loads that part of the page anew at the end.
import { formOf, one, origin } from "../dom.js";
import { isPicture, picturesOf, send } from "./sending.js";

const AT_ONCE = 2;

/**
 * The form that takes what is dropped or pasted there: an open dialog's, else the page's.
 * @param {Event} event
 * @returns {HTMLFormElement | null}
 */
function formFor(event) {
  const open = document.querySelector("dialog[open]");
  const near = origin(event).closest?.("dialog") ?? open;
  if (near) return near.querySelector("form[data-upload]");
  return document.querySelector("main form[data-upload]");
}

document.addEventListener("change", (event) => {
  const field = origin(event);
  const form = field.form;
  if (!form?.matches("[data-upload]") || field.type !== "file") return;
  const files = [...(field.files ?? [])];
  field.value = "";
  upload(form, files);
});
document.addEventListener("submit", (event) => {
  const form = formOf(event);
  if (form.matches("[data-upload]")) event.preventDefault();
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    const drag = /** @type {DragEvent} */ (event);
    const form = drag.dataTransfer?.types.includes("Files") ? formFor(event) : null;
    if (!form) return;
    event.preventDefault();
    form.classList.add("is-over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!(/** @type {DragEvent} */ (event).relatedTarget)) formFor(event)?.classList.remove("is-over");
});
document.addEventListener("drop", (event) => {
  const form = event.defaultPrevented ? null : formFor(event);
  if (!form || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.remove("is-over");
  upload(form, [...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  const form = event.defaultPrevented || !isPicture(event.clipboardData) ? null : formFor(event);
  if (!form) return;
  event.preventDefault();
  upload(form, picturesOf(event.clipboardData));
});

/**
 * @param {HTMLFormElement} form
 * @param {File[]} files
 */
export async function upload(form, files) {
  if (!files.length) return;
  const list = /** @type {HTMLElement} */ (form.querySelector("[data-upload-list]"));
  for (const old of [...list.querySelectorAll(".is-done, .is-failed")]) old.remove();
  list.hidden = false;
  const waiting = files.map((file) => ({ file, row: rowOf(file.name, form.dataset.waiting ?? "", list) }));
  const whole = waiting.length;
  let done = 0;
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (await oneOf(form, next.file, next.row)) done += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const words = (form.dataset.summary ?? "")
    .replace("{done}", String(done))
    .replace("{all}", String(whole))
    .replace("{refused}", String(whole - done));
  const status = form.querySelector("[data-upload-status]");
  if (status) status.textContent = words;
  reload(form.dataset.reload);
}

/**
 * @param {HTMLFormElement} form
 * @param {File} file
 * @param {HTMLElement} row
 */
async function oneOf(form, file, row) {
  const { tooLarge = "", failed = "", making = "", done = "", known = "", mostBytes } = form.dataset;
  if (mostBytes && file.size > Number(mostBytes)) {
    finish(row, tooLarge.replace("{name}", file.name), false);
    return false;
  }
  const folder = one('[name="folder"]', form)?.value;
  const answer = await send(file, {
    address: form.action,
    folder,
    failed,
    progress: (share) => show(row, share, share < 1 ? `${Math.floor(share * 100)} %` : making),
  });
  if (!answer.picture) {
    finish(row, answer.error ?? "", false);
    return false;
  }
  finish(row, answer.picture.is_new ? done : known, true);
  form.dispatchEvent(new CustomEvent("uploaded", { bubbles: true, detail: answer.picture }));
  return true;
}

/**
 * A row of the list: name, progress, state.
 * @param {string} name
 * @param {string} state
 * @param {HTMLElement} list
 */
export function rowOf(name, state, list) {
  const row = document.createElement("li");
  const words = Object.assign(document.createElement("span"), { className: "w-upload-name", textContent: name });
  const progress = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  progress.setAttribute("aria-label", name);
  const place = Object.assign(document.createElement("span"), { className: "w-upload-state", textContent: state });
  row.append(words, progress, place);
  list.append(row);
  list.hidden = false;
  return row;
}
/**
 * @param {HTMLElement} row
 * @param {number} share
 * @param {string} state
 */
export function show(row, share, state) {
  const progress = row.querySelector("progress");
  if (progress) progress.value = share;
  const place = row.querySelector(".w-upload-state");
  if (place && place.textContent !== state) place.textContent = state;
}
/**
 * @param {HTMLElement} row
 * @param {string} words
 * @param {boolean} isDone
 */
export function finish(row, words, isDone) {
  row.querySelector("progress")?.remove();
  if (!isDone) row.querySelector(".w-upload-name")?.remove(); // the sentence names the file
  row.className = isDone ? "is-done" : "is-failed";
  show(row, 1, words);
}

/** @param {string | undefined} part */
function reload(part) {
  if (!part) return;
  const here = new URL(location.href);
  for (const cursor of ["after", "before"]) here.searchParams.delete(cursor);
  const { htmx } = /** @type {any} */ (window);
  htmx?.ajax("GET", here.pathname + here.search, { target: part, select: part, swap: "outerHTML" });
}
