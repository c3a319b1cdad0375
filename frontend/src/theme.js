// Runs before the first paint: the theme chosen in this browser, else the system's.
const chosen = /(?:^|; )warta_theme=(light|dark)/.exec(document.cookie)?.[1];
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = () => {
  document.documentElement.dataset.bsTheme = chosen ?? (dark.matches ? "dark" : "light");
};
apply();
if (!chosen) dark.addEventListener("change", apply);
document.documentElement.classList.add("has-js");
