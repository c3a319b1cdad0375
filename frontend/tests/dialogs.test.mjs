import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { $, fill, fire, page } from "./page.mjs";

const PAGE = `
  <form data-confirm="Delete it?" data-confirm-text="It can't be undone." data-confirm-button="Delete" method="post">
    <button id="delete" class="btn">Delete</button><button id="main" class="btn btn-primary">Send</button>
  </form>
  <form id="plain" method="post"><button id="save">Save</button></form>
  <button data-dialog="more" id="opener"></button>
  <dialog id="more"><button data-dialog-close id="closer"></button></dialog>
  <div id="dialogs"></div>`;

const window = page(PAGE);
await import("../src/behaviours/dialogs.js");
/** @type {(string | undefined)[]} */
let sent = [];
document.addEventListener("submit", (event) => {
  sent.push(event.submitter?.id);
  event.preventDefault();
});
beforeEach(() => {
  fill(PAGE);
  sent = [];
});

const press = (/** @type {string} */ selector) => $(selector).form.requestSubmit($(selector));
const [CANCEL, GO] = [".w-dialog-actions button:first-child", ".w-dialog-actions button:last-child"];

test("a form without a question is sent", () => {
  press("#save");
  assert.deepEqual(sent, ["save"]);
  assert.equal(document.querySelector(".w-dialog"), null);
});

test("a question is asked before anything is sent", () => {
  press("#delete");
  assert.deepEqual(sent, []);
  assert.equal($(".w-dialog").open, true);
  assert.equal($(".w-dialog h2").textContent, "Delete it?");
  assert.equal($(".w-dialog p").textContent, "It can't be undone.");
  assert.equal($(CANCEL).textContent, "Cancel");
  assert.equal($(GO).textContent, "Delete");
  assert.equal(document.activeElement, $(CANCEL));
});

test("Cancel sends nothing, and the next press asks again", () => {
  press("#delete");
  $(CANCEL).click();
  assert.equal(document.querySelector(".w-dialog"), null);
  press("#delete");
  assert.deepEqual(sent, []);
  assert.equal($(".w-dialog").open, true);
});

test("a yes sends once, as the button that was pressed, and the next press asks again", () => {
  press("#delete");
  $(GO).click();
  assert.deepEqual(sent, ["delete"]);
  press("#delete");
  assert.deepEqual(sent, ["delete"]);
});

test("what destroys is red, the page's main button is not", () => {
  press("#delete");
  assert.equal($(GO).className, "btn btn-danger");
  $(CANCEL).click();
  press("#main");
  assert.equal($(GO).className, "btn btn-primary");
});

test("a button opens its dialog, and one inside closes it", () => {
  $("#opener").click();
  assert.equal($("#more").open, true);
  $("#closer").click();
  assert.equal($("#more").open, false);
});

test("a click beside the dialog closes it", () => {
  $("#opener").click();
  $("#more").dispatchEvent(new window.MouseEvent("click", { bubbles: true }));
  assert.equal($("#more").open, false);
});

test("a dialog that a partial brings opens by itself", () => {
  $("#dialogs").innerHTML = "<dialog id='fresh'></dialog>";
  fire($("#dialogs"), "htmx:afterSwap");
  assert.equal($("#fresh").open, true);
});
