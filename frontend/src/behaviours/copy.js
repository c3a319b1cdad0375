import { all, one, origin } from "../dom.js";

/** @param {ParentNode} root */
const show = (root) => {
  for (const button of all("[data-copy][hidden]", root)) button.hidden = false;
};

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement | null} */ (origin(event).closest("[data-copy]"));
  if (!button) return;
  await write(button.dataset.copy ?? "");
  const word = one("[data-copy-word]", button) ?? button;
  const before = word.textContent;
  word.textContent = word.dataset.copied ?? before;
  setTimeout(() => {
    word.textContent = before;
  }, 1600);
});
/** @param {string} text */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not a secure context: plain http in a local network.
    const field = document.body.appendChild(
      Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" }),
    );
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
show(document);
document.addEventListener("htmx:load", (event) => show(origin(event)));
