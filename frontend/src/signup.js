// Our own sign-up page: proves while somebody types, and tells a frame's site how high it is.
// Without this script the page works the same, and the sign-up counts as unproven.
const form = document.querySelector("form[data-challenge]");

function prove() {
  return new Promise((resolve) => {
    const give = () => resolve("");
    fetch(form.dataset.challenge)
      .then((answer) => answer.json())
      .then((challenge) => {
        const worker = new Worker(form.dataset.worker);
        worker.onmessage = (event) => resolve(event.data ?? "");
        worker.onerror = give;
        worker.postMessage(challenge);
      })
      .catch(give);
    setTimeout(give, 20_000); // better unproven than stuck
  });
}

if (form) {
  let proof;
  let sent = false;
  form.addEventListener("focusin", () => {
    proof ??= prove();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sent) return;
    sent = true;
    const status = form.querySelector("[data-proof-status]");
    status.textContent = form.dataset.working;
    status.hidden = false;
    proof ??= prove();
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
