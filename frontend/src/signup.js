// Our own sign-up page: proves while somebody types, and tells a frame's site how high it is.
// Without this script the page works the same, and the sign-up counts as unproven.
const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-challenge]"));

/**
 * @param {string} challenge
 * @param {string} worker
 * @returns {Promise<string>}
 */
function prove(challenge, worker) {
  return new Promise((resolve) => {
    const give = () => resolve("");
    fetch(challenge)
      .then((answer) => answer.json())
      .then((asked) => {
        const solver = new Worker(worker);
        solver.onmessage = (event) => resolve(event.data ?? "");
        solver.onerror = give;
        solver.postMessage(asked);
      })
      .catch(give);
    setTimeout(give, 20_000); // better unproven than stuck
  });
}

if (form) {
  const { challenge = "", worker = "", working = "" } = form.dataset;
  /** @type {Promise<string> | undefined} */
  let proof;
  let sent = false;
  form.addEventListener("focusin", () => {
    proof ??= prove(challenge, worker);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sent) return;
    sent = true;
    const status = /** @type {HTMLElement | null} */ (form.querySelector("[data-proof-status]"));
    if (status) {
      status.textContent = working;
      status.hidden = false;
    }
    proof ??= prove(challenge, worker);
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "proof", value: await proof });
    form.append(field);
    form.submit();
  });
  // Coming back by the browser's button: the proof is spent, the form is not.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

if (window.parent !== window) {
  const tell = () => parent.postMessage({ warta: "height", height: document.documentElement.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}
