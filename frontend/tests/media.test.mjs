import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { $, fill, fire, page } from "./page.mjs";

const PAGE = `
  <main><form data-upload action="/media/upload/" data-most-bytes="100" data-too-large="“{name}” is too large"
    data-failed="“{name}” failed" data-waiting="Waiting" data-making="Preparing" data-done="Uploaded"
    data-known="Known" data-summary="{done} of {all}, {refused} refused">
    <input type="file" name="picture" multiple><input type="hidden" name="folder" value="7">
    <ul data-upload-list hidden></ul><p data-upload-status></p></form></main>`;

const window = page(PAGE);
const scope = /** @type {Record<string, any>} */ (globalThis);
for (const name of ["File", "HTMLFormElement"]) scope[name] ??= /** @type {any} */ (window)[name];

/** Requests as the browser would make them, answered by the test. */
class Request {
  /** @type {Record<string, any>} */
  static answers = {};
  /** @type {any[]} */
  static sent = [];
  static open = 0;
  static most = 0;
  /** @type {Record<string, string>} */
  headers = {};
  upload = {
    /** @param {string} _name @param {(event: object) => void} call */
    addEventListener: (_name, call) => call({ lengthComputable: true, loaded: 1, total: 2 }),
  };
  /** @type {Record<string, () => void>} */
  listeners = {};
  line = "";
  /** @param {string} method @param {string} address */
  open(method, address) {
    this.line = `${method} ${new URL(address, "http://127.0.0.1/").pathname}`;
  }
  /** @param {string} name @param {string} value */
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  /** @param {string} name @param {() => void} call */
  addEventListener(name, call) {
    this.listeners[name] = call;
  }
  /** @param {any} form */
  send(form) {
    const file = form.get("picture");
    Request.sent.push({ line: this.line, file: file.name, folder: form.get("folder"), headers: this.headers });
    Request.open += 1;
    Request.most = Math.max(Request.most, Request.open);
    setTimeout(() => {
      Request.open -= 1;
      const [status, answer] = Request.answers[file.name] ?? [201, { id: 1, is_new: true }];
      if (status === 0) {
        this.listeners.error();
        return;
      }
      Object.assign(this, { status, responseText: JSON.stringify(answer) });
      this.listeners.load();
    }, 5);
  }
}
scope.XMLHttpRequest = Request;
const { upload } = await import("../src/media/upload.js");
const { isPicture, picturesOf } = await import("../src/media/sending.js");
const { between, shaped, within } = await import("../src/media/boxes.js");

beforeEach(() => {
  fill(PAGE);
  Object.assign(Request, { answers: {}, sent: [], open: 0, most: 0 });
});
/** @param {string} name */
const file = (name, bytes = 10) =>
  /** @type {any} */ (new window.File(["x".repeat(bytes)], name, { type: "image/png" }));
const rows = () =>
  [...document.querySelectorAll("[data-upload-list] li")].map((row) => [row.className, row.textContent]);

test("every file is sent by itself, two at a time, into the folder that is shown", async () => {
  await upload($("form"), [file("a.png"), file("b.png"), file("c.png")]);
  assert.deepEqual(
    Request.sent.map((one) => [one.line, one.file, one.folder]),
    ["a.png", "b.png", "c.png"].map((name) => ["POST /media/upload/", name, "7"]),
  );
  assert.equal(Request.most, 2);
  assert.equal($("[data-upload-status]").textContent, "3 of 3, 0 refused");
});

test("one that is refused says why, and the others go on", async () => {
  Request.answers = { "b.png": [422, { error: "“b” is damaged" }], "d.png": [0, null], "e.png": [500, "<html>"] };
  /** @type {number[]} */
  const told = [];
  document.addEventListener("uploaded", (event) => told.push(event.detail.id), { once: true });
  await upload(
    $("form"),
    ["a", "b", "c", "d", "e"].map((name) => file(`${name}.png`)),
  );
  assert.deepEqual(rows(), [
    ["is-done", "a.pngUploaded"],
    ["is-failed", "“b” is damaged"],
    ["is-done", "c.pngUploaded"],
    ["is-failed", "“d.png” failed"],
    ["is-failed", "“e.png” failed"],
  ]);
  assert.equal($("[data-upload-status]").textContent, "2 of 5, 3 refused");
  assert.deepEqual(told, [1]);
});

test("what is too large is not sent at all", async () => {
  await upload($("form"), [file("huge.png", 101)]);
  assert.deepEqual(Request.sent, []);
  assert.deepEqual(rows(), [["is-failed", "“huge.png” is too large"]]);
});

test("what the library has already is said so", async () => {
  Request.answers = { "a.png": [200, { id: 4, is_new: false }] };
  await upload($("form"), [file("a.png")]);
  assert.deepEqual(rows(), [["is-done", "a.pngKnown"]]);
});

test("without a script's help the form is not sent as a page", () => {
  assert.equal(fire($("form"), "submit").defaultPrevented, true);
});

test("text that brings a picture along is pasted as text", () => {
  const files = [file("a.png")];
  /** @param {any} brought */
  const isOne = (brought) => isPicture(brought);
  assert.equal(isOne({ files, types: ["Files"] }), true);
  assert.equal(isOne({ files, types: ["Files", "text/plain"] }), false);
  assert.equal(isOne({ files: [], types: ["Files"] }), false);
  assert.equal(isPicture(null), false);
  const heic = new window.File(["x"], "IMG_1.HEIC", { type: "" });
  const brought = /** @type {any} */ ({ files: [heic, new window.File(["x"], "a.txt", { type: "text/plain" })] });
  assert.equal(picturesOf(brought).length, 1);
});

const WHOLE = { width: 400, height: 300 };
test("a crop stays within the picture, in whole pixels", () => {
  assert.deepEqual(within({ left: -5, top: 290.4, width: 99.6, height: 50 }, WHOLE), {
    left: 0,
    top: 250,
    width: 100,
    height: 50,
  });
  assert.deepEqual(between({ x: 300, y: 200 }, { x: 100, y: 900 }, WHOLE), {
    left: 100,
    top: 200,
    width: 200,
    height: 100,
  });
});

test("a shape is kept while one drags, and laid around the middle", () => {
  assert.deepEqual(between({ x: 0, y: 0 }, { x: 400, y: 100 }, WHOLE, 1), { left: 0, top: 0, width: 100, height: 100 });
  assert.deepEqual(between({ x: 200, y: 200 }, { x: 100, y: 0 }, WHOLE, 1), {
    left: 100,
    top: 100,
    width: 100,
    height: 100,
  });
  assert.deepEqual(shaped({ left: 300, top: 0, width: 100, height: 100 }, WHOLE, 1), {
    left: 100,
    top: 0,
    width: 300,
    height: 300,
  });
});
