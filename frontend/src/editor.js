import "./media/upload.js";
import "./media/picker.js";
import { createEditor } from "./editor/create.js";

const nonce = document.currentScript?.nonce ?? "";
const start = (root) => {
  for (const box of root.querySelectorAll("[data-editor]:not([data-ready])")) createEditor(box, nonce);
};

start(document);
document.addEventListener("htmx:load", () => start(document));
