import "./media/upload.js";
import "./media/picker.js";
import { all } from "./dom.js";
import { createEditor } from "./editor/create.js";

const nonce = document.currentScript?.nonce ?? "";
/** @param {ParentNode} root */
const start = (root) => {
  for (const box of all("[data-editor]:not([data-ready])", root)) createEditor(box, nonce);
};

start(document);
document.addEventListener("htmx:load", () => start(document));
