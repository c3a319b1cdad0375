// <form data-autosave="/address/"> sends itself there (POST) a second after the last change. The answer is
// 200 or 204 (saved) or 422 (refused). <span data-autosave-status data-saving data-saved data-failed>
// says so; {time} in data-saved becomes the time. "autosaved" is dispatched for previews.
const WAIT = 1000;
const timers = new WeakMap();

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-autosave]") ?? event.target.form?.closest?.("form[data-autosave]");
  if (!form || event.target.closest("[data-no-autosave]")) return;
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => save(form), WAIT));
});
document.addEventListener("submit", (event) => clearTimeout(timers.get(event.target)));

async function save(form) {
  say("saving");
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body: new FormData(form), headers: { "X-Autosave": "1", Accept: "text/html" }, redirect: "manual" });
    if (!answer.ok) throw new Error(String(answer.status));
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date());
    say("saved", time);
    form.dispatchEvent(new CustomEvent("autosaved", { bubbles: true }));
  } catch { say("failed"); }
}
function say(state, time = "") {
  for (const place of document.querySelectorAll("[data-autosave-status]")) {
    place.textContent = (place.dataset[state] ?? "").replace("{time}", time);
    place.classList.toggle("is-failed", state === "failed");
  }
}
