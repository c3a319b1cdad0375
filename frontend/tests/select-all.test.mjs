import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { $, fill, fire, page } from "./page.mjs";

const PAGE = `
  <form>
    <input type="checkbox" data-select-all="person" id="all">
    <input type="checkbox" name="person" value="1" id="one">
    <input type="checkbox" name="person" value="2" id="two">
    <div data-selected-only hidden><span data-selected-count></span></div>
    <div data-selected-stays></div>
    <select name="action"><option value="add_tag">Add a tag</option><option value="erase">Erase</option></select>
    <select name="whom"><option value="selected">These</option><option value="matching">Everybody</option></select>
    <button data-says-action="{action}: {n}"></button>
  </form>`;

page(PAGE);
await import("../src/behaviours/select-all.js");
beforeEach(() => {
  fill(PAGE);
  fire(document.body, "htmx:load");
});

function check(/** @type {string} */ id, isChecked = true) {
  $(id).checked = isChecked;
  fire($(id), "change");
}

test("nothing is chosen at first", () => {
  assert.equal($("[data-selected-only]").hidden, true);
  assert.equal($("[data-selected-count]").textContent, "0");
  assert.equal($("#all").checked, false);
});

test("some of the boxes leave the lead in between", () => {
  check("#one");
  assert.equal($("#all").indeterminate, true);
  assert.equal($("#all").checked, false);
  assert.equal($("[data-selected-only]").hidden, false);
  assert.equal($("[data-selected-count]").textContent, "1");
  assert.ok($("[data-selected-stays]").classList.contains("is-staying"));
});

test("all of the boxes check the lead", () => {
  check("#one");
  check("#two");
  assert.equal($("#all").checked, true);
  assert.equal($("#all").indeterminate, false);
});

test("the lead checks all, and clears all", () => {
  check("#all");
  assert.deepEqual([$("#one").checked, $("#two").checked], [true, true]);
  check("#all", false);
  assert.deepEqual([$("#one").checked, $("#two").checked], [false, false]);
  assert.equal($("[data-selected-only]").hidden, true);
});

test("the button says what it would do to how many", () => {
  check("#one");
  assert.equal($("button").textContent, "Add a tag: 1");
  $("[name=action]").selectedIndex = 1;
  fire($("[name=action]"), "change");
  assert.equal($("button").textContent, "Erase: 1");
  $("[name=whom]").selectedIndex = 1;
  fire($("[name=whom]"), "change");
  assert.equal($("button").textContent, "Erase");
});

test("rows that a partial brings count, too", () => {
  check("#one");
  check("#two");
  $("form").insertAdjacentHTML("beforeend", '<input type="checkbox" name="person" value="3">');
  fire(document.body, "htmx:load");
  assert.equal($("#all").checked, false);
  assert.equal($("#all").indeterminate, true);
});
