import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, beforeEach, mock, test } from "node:test";
import { $, fill, fire, page } from "./page.mjs";

const PAGE = `
  <form data-autosave="/save/" id="letter" method="post">
    <input name="subject" value="Hello"><input name="revision" value="1"><input name="search" data-no-autosave>
    <button id="go">Continue</button>
  </form>
  <span data-autosave-status data-saving="Saving" data-saved="Saved {time}" data-failed="Not saved"></span>
  <div data-autosave-problem></div>`;

// A server of the test's own: it holds each request until the test answers it.
/** @type {{headers: import("node:http").IncomingHttpHeaders, body: string, answer: Function}[]} */
const asked = [];
/** @type {(() => void)[]} */
const waiting = [];
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const answer = (status = 204, headers = {}, text = "") => response.writeHead(status, headers).end(text);
  asked.push({ headers: request.headers, body, answer });
  waiting.shift()?.();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());

const window = page(PAGE, `http://127.0.0.1:${port}/`);
mock.timers.enable({ apis: ["setTimeout"] });
await import("../src/behaviours/autosave.js");
after(async () => {
  server.closeAllConnections();
  server.close();
  await window.happyDOM.close();
});
beforeEach(() => {
  fill(PAGE);
  asked.length = 0;
});

const status = () => $("[data-autosave-status]").textContent;
const type = (selector = "[name=subject]") => fire($(selector), "input");
const arrival = () => new Promise((resolve) => waiting.push(() => resolve(undefined)));
const saved = () => new Promise((resolve) => $("#letter").addEventListener("autosaved", resolve, { once: true }));
/** The status is told last, so a change of it ends a save that was refused. */
const told = (/** @type {string} */ word) =>
  new Promise((resolve) => {
    const watch = new window.MutationObserver(() => {
      if (status() !== word) return;
      watch.disconnect();
      resolve(undefined);
    });
    watch.observe($("[data-autosave-status]"), { childList: true, characterData: true, subtree: true });
  });

async function save(status = 204, headers = {}, text = "") {
  const came = arrival();
  type();
  mock.timers.tick(1000);
  await came;
  asked.at(-1)?.answer(status, headers, text);
}

test("a burst of typing is one request, a second after the last key", async () => {
  const came = arrival();
  type();
  mock.timers.tick(900);
  type();
  mock.timers.tick(900);
  assert.equal(status(), "");
  mock.timers.tick(100);
  assert.equal(status(), "Saving");
  await came;
  const done = saved();
  asked[0].answer(204, { "X-Saved-At": "10:51", "X-Revision": "2" });
  await done;
  assert.equal(asked.length, 1);
  assert.equal(asked[0].headers["x-autosave"], "1");
  assert.match(asked[0].body, /name="subject"\r\n\r\nHello/);
  assert.equal(status(), "Saved 10:51");
  assert.equal($("[name=revision]").value, "2");
});

test("what is typed during a save is sent after it, never beside it", async () => {
  const came = arrival();
  type();
  mock.timers.tick(1000);
  await came;
  $("[name=subject]").value = "Hello again";
  type();
  mock.timers.tick(1000);
  assert.equal(asked.length, 1);
  const second = arrival();
  asked[0].answer(204, { "X-Revision": "2" });
  await second;
  assert.equal(asked.length, 2);
  assert.match(asked[1].body, /Hello again/);
  assert.match(asked[1].body, /name="revision"\r\n\r\n2/);
  const done = saved();
  asked[1].answer();
  await done;
});

test("a refusal shows why, and the next save takes it away", async () => {
  const failed = told("Not saved");
  await save(409, {}, "<p>Somebody saved meanwhile</p>");
  await failed;
  assert.equal($("[data-autosave-problem]").textContent, "Somebody saved meanwhile");
  assert.ok($("[data-autosave-status]").classList.contains("is-failed"));
  assert.equal($("[name=revision]").value, "1");
  const done = saved();
  await save();
  await done;
  assert.equal($("[data-autosave-problem]").textContent, "");
  assert.equal($("[data-autosave-status]").classList.contains("is-failed"), false);
});

test("a server in trouble is told without its page", async () => {
  const failed = told("Not saved");
  await save(500, {}, "<p>Trace</p>");
  await failed;
  assert.equal($("[data-autosave-problem]").textContent, "");
});

test("a field that is not part of it saves nothing", () => {
  type("[name=search]");
  mock.timers.tick(5000);
  assert.equal(asked.length, 0);
  assert.equal(status(), "");
});

test("a letter larger than the server takes is not sent", () => {
  document.body.dataset.most = "10";
  type();
  mock.timers.tick(1000);
  assert.equal(asked.length, 0);
  assert.equal(status(), "Not saved");
  assert.equal($("[data-autosave-problem]").textContent, "Too large");
  delete document.body.dataset.most;
});

test("a press on a button waits for the save under way and is then sent", async () => {
  const came = arrival();
  type();
  mock.timers.tick(1000);
  await came;
  const sent = new Promise((resolve) =>
    document.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      resolve([event.submitter?.id, $("[name=revision]").value]);
    }),
  );
  $("#letter").requestSubmit($("#go"));
  asked[0].answer(204, { "X-Revision": "7" });
  assert.deepEqual(await sent, ["go", "7"]);
});
