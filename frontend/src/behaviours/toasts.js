// Messages stay until read: those of success leave after eight seconds, unless pointed at or focused.
import { all, one, origin } from "../dom.js";

const STAY = 8000;
/** @param {ParentNode} root */
function arm(root) {
  for (const toast of all("[data-toast]:not([data-armed])", root)) {
    toast.dataset.armed = "";
    const close = one("[data-toast-close]", toast);
    if (close) {
      close.hidden = false;
      close.addEventListener("click", () => toast.remove());
    }
    if (!toast.matches(".is-success, .is-info") || toast.matches(".is-inline")) continue;
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, STAY);
      else toast.remove();
    };
    setTimeout(leave, STAY);
  }
}
arm(document);
document.addEventListener("htmx:load", (event) => arm(origin(event).parentElement ?? document));
