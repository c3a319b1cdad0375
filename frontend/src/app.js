import htmx from "htmx.org";
import "./behaviours/theme.js";
import "./behaviours/menus.js";
import "./behaviours/drawer.js";
import "./behaviours/copy.js";
import "./behaviours/dialogs.js";
import "./behaviours/size.js";
import "./behaviours/toasts.js";
import "./behaviours/search.js";
import "./behaviours/forms.js";
import "./behaviours/insert.js";
import "./behaviours/autosave.js";
import "./behaviours/preview.js";
import "./behaviours/select-all.js";
import "./behaviours/several.js";
import "./behaviours/morph.js";
import "./behaviours/strips.js";
import "./behaviours/swaps.js";

window.htmx = htmx;
const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content");
document.addEventListener("htmx:configRequest", (event) => {
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});
// A partial that polls asks nothing while nobody looks.
document.addEventListener("htmx:beforeRequest", (event) => {
  const trigger = event.detail.elt.getAttribute?.("hx-trigger") ?? "";
  if (document.hidden && /\bevery\b/.test(trigger)) event.preventDefault();
});
// Signed out meanwhile: a partial's answer is a redirect to the sign-in page, so go there as a page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.responseURL && new URL(xhr.responseURL).pathname === "/sign-in/") {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
