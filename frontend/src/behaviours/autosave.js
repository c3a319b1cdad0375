// @ts-check
// <form data-autosave="/address/"> sends itself there (POST) a second after the last change, one request at
// a time. The answer is 200 or 204 (saved), or 409 or 422 (refused) with a partial that says why.
// <span data-autosave-status data-saving data-saved data-failed> says how it went; {time} in data-saved
// becomes the time. [data-autosave-problem] takes the partial of a refusal. A field named "revision" takes
// the answer's X-Revision, so that the next save knows what it is based on; X-Saved-At is the time in the
// member's own zone. "autosaved" is dispatched for previews.
import { all, formOf, one, origin } from "../dom.js";
import { callout, isTooLarge } from "./size.js";

const WAIT = 1000;
/** @type {WeakMap<HTMLFormElement, ReturnType<typeof setTimeout>>} */
const timers = new WeakMap();
/** @type {WeakMap<HTMLFormElement, Promise<void>>} */
const running = new WeakMap();
/** @type {WeakSet<HTMLFormElement>} */
const again = new WeakSet();

document.addEventListener("input", (event) => {
  const field = origin(event);
  /** @type {HTMLFormElement | null | undefined} */
  const form = field.closest("form[data-autosave]") ?? field.form?.closest("form[data-autosave]");
  if (!form || field.closest("[data-no-autosave]")) return;
  clearTimeout(timers.get(form));
  timers.set(
    form,
    setTimeout(() => save(form), WAIT),
  );
});
// Leaving for another tab saves at once.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return;
  for (const form of document.forms) {
    if (form.matches("[data-autosave]") && timers.has(form)) save(form);
  }
});
// A press on a button waits for the save that is under way, so that it is based on what that one stored.
document.addEventListener(
  "submit",
  (event) => {
    const form = formOf(event);
    clearTimeout(timers.get(form));
    timers.delete(form);
    const busy = running.get(form);
    if (!busy || event.defaultPrevented) return;
    event.preventDefault();
    again.delete(form);
    const { submitter } = event;
    busy.then(() => form.requestSubmit(submitter ?? undefined));
  },
  true,
);

/** @param {HTMLFormElement} form */
function save(form) {
  clearTimeout(timers.get(form));
  timers.delete(form);
  if (running.has(form)) {
    again.add(form);
    return;
  }
  const done = send(form).finally(() => {
    running.delete(form);
    if (again.delete(form)) save(form);
  });
  running.set(form, done);
}

/** @param {HTMLFormElement} form */
async function send(form) {
  say("saving");
  if (isTooLarge(form)) {
    explain(callout().outerHTML);
    say("failed");
    return;
  }
  try {
    const answer = await fetch(form.dataset.autosave ?? "", {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Autosave": "1", Accept: "text/html" },
      redirect: "manual",
    });
    if (!answer.ok) {
      explain([409, 413, 422].includes(answer.status) ? await answer.text() : "");
      if (answer.status === 409) one("[data-autosave-problem]")?.scrollIntoView({ block: "nearest" });
      throw new Error(String(answer.status));
    }
    const revision = answer.headers.get("X-Revision");
    const field = form.elements.namedItem("revision");
    if (revision && field instanceof HTMLInputElement) field.value = revision;
    explain("");
    const time =
      answer.headers.get("X-Saved-At") ??
      new Intl.DateTimeFormat(document.documentElement.lang, {
        hour: "2-digit",
        minute: "2-digit",
        hourCycle: "h23",
      }).format(new Date());
    say("saved", time);
    form.dispatchEvent(new CustomEvent("autosaved", { bubbles: true }));
  } catch {
    say("failed");
  }
}
/** @param {string} html */
function explain(html) {
  const place = one("[data-autosave-problem]");
  if (place && place.innerHTML.trim() !== html.trim()) place.innerHTML = html;
}
/**
 * @param {"saving" | "saved" | "failed"} state
 * @param {string} [time]
 */
function say(state, time = "") {
  for (const place of all("[data-autosave-status]")) {
    place.textContent = (place.dataset[state] ?? "").replace("{time}", time);
    place.classList.toggle("is-failed", state === "failed");
  }
}
