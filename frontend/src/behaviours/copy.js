const show = (root) => {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await write(button.dataset.copy);
  const word = button.querySelector("[data-copy-word]") ?? button;
  const before = word.textContent;
  word.textContent = word.dataset.copied ?? before;
  setTimeout(() => {
    word.textContent = before;
  }, 1600);
});
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
document.addEventListener("htmx:load", (event) => show(event.target));
