import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { $, fill, fire, page } from "./page.mjs";

const PAGE = `
  <form data-guard method="post" action="/save/"><input name="subject"><button id="save">Save</button></form>
  <form method="get" id="filter"><select name="list" data-submit><option>1</option><option>2</option></select></form>
  <form method="post" hx-post="/part/" id="partial"><button id="send">Send</button></form>`;

const window = page(`<div data-error-summary tabindex="-1">One mistake</div>${PAGE}`);
mock.timers.enable({ apis: ["setTimeout"] });
await import("../src/behaviours/forms.js");
const focused = document.activeElement;
beforeEach(() => fill(PAGE));

/** Answers whether leaving the page would be asked about. */
function asks() {
  const event = new window.Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}
function submit(/** @type {string} */ selector) {
  const event = new window.SubmitEvent("submit", { bubbles: true, cancelable: true, submitter: $(selector) });
  $(selector).form.dispatchEvent(event);
  mock.timers.tick(1);
}

test("a refused form begins at its summary", () => {
  assert.equal(focused?.textContent, "One mistake");
});

test("an unchanged form is left without a question", () => {
  assert.equal(asks(), false);
});

test("a changed form asks before it is left", () => {
  fire($("[name=subject]"), "input");
  assert.equal(asks(), true);
});

test("a changed form that was sent or saved by itself does not ask", () => {
  for (const name of ["submit", "autosaved"]) {
    fire($("[name=subject]"), "input");
    fire($("[data-guard]"), name);
    assert.equal(asks(), false, name);
  }
});

test("a changed form that is no longer there does not ask", () => {
  fire($("[name=subject]"), "input");
  $("[data-guard]").remove();
  assert.equal(asks(), false);
});

test("one press is one request: the button is busy until the page comes back", () => {
  submit("#save");
  assert.equal($("#save").getAttribute("aria-busy"), "true");
  window.dispatchEvent(new window.Event("pageshow"));
  assert.equal($("#save").hasAttribute("aria-busy"), false);
});

test("a part of the page that is sent keeps its button", () => {
  submit("#send");
  assert.equal($("#send").hasAttribute("aria-busy"), false);
});

test("a chosen filter is sent at once", () => {
  const sent = mock.method($("#filter"), "requestSubmit", () => {});
  fire($("[data-submit]"), "change");
  assert.equal(sent.mock.callCount(), 1);
});
