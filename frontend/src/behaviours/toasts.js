// Messages stay until read: those of success leave after eight seconds, unless pointed at or focused.
const STAY = 8000;
function arm(root) {
  for (const toast of root.querySelectorAll("[data-toast]:not([data-armed])")) {
    toast.dataset.armed = "";
    const close = toast.querySelector("[data-toast-close]");
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
document.addEventListener("htmx:load", (event) => arm(event.target.parentElement ?? document));
