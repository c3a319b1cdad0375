// <details data-several data-choose="Choose">: a closed list of checkboxes says what is chosen in it.
document.addEventListener("change", (event) => {
  const several = event.target.closest("[data-several]");
  if (!several) return;
  const chosen = [...several.querySelectorAll("input:checked")].map((input) =>
    input.closest("label").textContent.trim(),
  );
  const text = chosen.slice(0, 3).join(", ") + (chosen.length > 3 ? ` + ${chosen.length - 3}` : "");
  const summary = several.querySelector("summary");
  several.querySelector("[data-several-summary]").textContent = text || several.dataset.choose;
  summary.setAttribute(
    "aria-label",
    `${summary.getAttribute("aria-label").split(":")[0]}: ${text || several.dataset.choose}`,
  );
});
