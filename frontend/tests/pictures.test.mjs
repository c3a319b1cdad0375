import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "./page.mjs";

page("");
const { written } = await import("../src/editor/pictures.js");
const url = "https://news.example/media/a.jpg";

test("a picture is written in the syntax of the kind, at the width of a mail at most", () => {
  assert.equal(written("markdown", { url, alt: "A cup", width: 1400 }).text, `![A cup](${url})`);
  assert.equal(written("mjml", { url, alt: "A cup", width: 1400 }).text, `<mj-image src="${url}" alt="A cup" />`);
  assert.equal(written("mjml", { url, alt: "", width: 200 }).text, `<mj-image src="${url}" alt="" width="200px" />`);
  assert.equal(
    written("html", { url, alt: "A cup", width: 1400 }).text,
    `<img src="${url}" alt="A cup" width="600" style="max-width:100%;height:auto">`,
  );
});

test("words are data: no tag, no attribute, no link, no merge tag", () => {
  const alt = '"><script> & {{ x }} [a](b) \\';
  for (const kind of ["mjml", "html"]) {
    const { text } = written(kind, { url, alt, width: 0 });
    assert.ok(text.includes('alt="&quot;&gt;&lt;script&gt; &amp; &#123;&#123; x }} [a](b) \\"'), text);
  }
  const { text } = written("markdown", { url, alt, width: 0 });
  assert.ok(text.startsWith('![">&lt;script> &amp; &#123;&#123; x }} \\[a\\](b) \\\\]('), text);
});

test("where the alternative text belongs is known", () => {
  for (const kind of ["markdown", "mjml", "html"]) {
    const { text, place } = written(kind, { url, alt: "", width: 0 });
    assert.match(text.slice(place), kind === "markdown" ? /^\]/ : /^"/);
  }
});
