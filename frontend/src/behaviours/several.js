// <details data-several data-choose="Choose">: a closed list of checkboxes says what is chosen in it.
import { all, one, origin } from "../dom.js";

document.addEventListener("change", (event) => {
  const several = /** @type {HTMLElement | null} */ (origin(event).closest("[data-several]"));
  if (!several) return;
  const chosen = all("input:checked", several).map((input) => input.closest("label")?.textContent.trim());
  const text = chosen.slice(0, 3).join(", ") + (chosen.length > 3 ? ` + ${chosen.length - 3}` : "");
  const said = text || (several.dataset.choose ?? "");
  const [summary, words] = [one("summary", several), one("[data-several-summary]", several)];
  if (words) words.textContent = said;
  summary?.setAttribute("aria-label", `${summary.getAttribute("aria-label")?.split(":")[0]}: ${said}`);
});
