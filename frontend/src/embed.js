// For other sites, version 1. Two uses, and no third:
//   <script async src="…/embed/1/form.js" data-form="ID"></script>   puts a frame with the form beside itself
//   <form data-warta-form="ID" …> and the script without data-form   sends the form without leaving the page
// Nothing is kept, nobody else is asked, nothing inline and no eval, so a strict policy can allow it.
import { attempt, MOST } from "./signup/solve.js";

const me = /** @type {HTMLScriptElement} */ (document.currentScript);
const site = new URL(me.src).origin;

/** @param {string} id */
function frame(id) {
  const box = document.createElement("iframe");
  box.src = `${site}/s/${encodeURIComponent(id)}/frame/`;
  box.title = me.dataset.title ?? "Sign up";
  box.width = "100%";
  box.height = "520";
  box.setAttribute("frameborder", "0");
  addEventListener("message", (event) => {
    if (event.source !== box.contentWindow || event.origin !== site) return;
    const height = Number(event.data?.height);
    if (event.data?.warta === "height" && height > 0 && height < 5_000) box.height = String(Math.ceil(height));
  });
  me.after(box);
}

// In slices, so that the page stays alive: another site's page can't start a worker of ours.
/** @param {HTMLFormElement} form */
async function prove(form) {
  const answer = await fetch(`${new URL(form.action).href}challenge/`, { credentials: "omit" });
  const challenge = await answer.json();
  for (let from = 0; from < MOST; from += 50) {
    const found = attempt(challenge, from, 50);
    if (found) return found;
    if (from % 200 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return "";
}

/**
 * @param {HTMLFormElement} form
 * @param {string} text
 * @param {boolean} isError
 */
function say(form, text, isError) {
  const status = /** @type {HTMLElement | null} */ (form.querySelector("[data-warta-status]"));
  if (!status) return;
  status.textContent = text;
  status.hidden = false;
  status.setAttribute("role", isError ? "alert" : "status");
}

/**
 * @param {HTMLFormElement} form
 * @param {Record<string, string[]>} errors
 */
function mark(form, errors) {
  for (const field of form.elements) field.removeAttribute?.("aria-invalid");
  for (const name of Object.keys(errors)) {
    const field = form.elements.namedItem(name) ?? form.elements.namedItem(`field_${name}`);
    const first = /** @type {Element | undefined} */ (field instanceof RadioNodeList ? field[0] : field);
    first?.setAttribute?.("aria-invalid", "true");
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {Promise<string>} proof
 */
async function send(form, proof) {
  const data = new FormData(form);
  data.set("proof", await proof.catch(() => ""));
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(/** @type {Record<string, string>} */ (/** @type {unknown} */ (data))),
    headers: { Accept: "application/json" },
    credentials: "omit",
  });
  const said = await answer.json();
  mark(form, said.errors ?? {});
  const details = Object.values(said.errors ?? {}).flat();
  say(form, [said.message, ...details].join(" "), !said.ok);
  if (!said.ok) return;
  form.reset();
  if (said.redirect) location.assign(said.redirect);
}

/** @param {HTMLFormElement} form */
function take(form) {
  if (form.dataset.wartaTaken) return;
  form.dataset.wartaTaken = "1";
  /** @type {Promise<string> | undefined} */
  let proof;
  form.addEventListener("focusin", () => {
    proof ??= prove(form);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement | null} */ (
      form.querySelector("button:not([type=button]),[type=submit]")
    );
    if (button) button.disabled = true;
    try {
      proof ??= prove(form);
      await send(form, proof);
    } catch {
      form.submit(); // the page of ours says more than a script that could not reach it
    } finally {
      proof = undefined;
      if (button) button.disabled = false;
    }
  });
}

function start() {
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-warta-form]")))
    if (form.action.startsWith(`${site}/s/`)) take(form);
}

if (me.dataset.form) frame(me.dataset.form);
else if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
