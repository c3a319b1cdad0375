// Builds what the browser gets into static/dist. Run by `make assets`; the result is committed.
import { copyFile, mkdir, rm, writeFile, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { PurgeCSS } from "purgecss";

const here = (path) => new URL(path, import.meta.url);
const out = here("../static/dist/");
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const fonts = here("node_modules/@fontsource-variable/inter/files/");
for (const set of ["latin", "latin-ext"])
  await copyFile(new URL(`inter-${set}-wght-normal.woff2`, fonts), new URL(`inter-${set}.woff2`, out));

const common = {
  absWorkingDir: fileURLToPath(here("./")), bundle: true, minify: true, legalComments: "none", charset: "utf8",
  target: ["chrome111", "firefox113", "safari16.4"], logLevel: "warning", outdir: fileURLToPath(out),
};
await build({ ...common, entryPoints: { theme: "src/theme.js", app: "src/app.js", charts: "src/charts.js", editor: "src/editor.js", signup: "src/signup.js", proof: "src/proof.js", embed: "src/embed.js" }, format: "iife" });
// Of Tabler only what our pages use, and the families that any page may use (docs/pages.md).
const [tabler] = await new PurgeCSS().purge({
  content: ["../templates/**/*.html", "src/**/*.js", "../config/pages/forms.py"].map((path) => fileURLToPath(here(path))),
  css: [fileURLToPath(here("node_modules/@tabler/core/dist/css/tabler.min.css"))],
  safelist: { standard: [/^[mp][tbsexy]?-(?:\d|auto)/, /^(?:d|gap|text|fw|fs|flex|justify|align|order|float|overflow|position|col|row|btn|form|input|table|card|badge|visually|list|is)(?:-|$)/, /^(?:container|small|lead|mark|h[1-6])$/], deep: [/data-bs-theme/], keyframes: [], variables: [/./] },
  defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [],
});
await mkdir(here("node_modules/.warta/"), { recursive: true });
await writeFile(here("node_modules/.warta/tabler.css"), tabler.css);
await build({ ...common, entryPoints: { app: "src/app.css", public: "src/public.css" }, external: ["*.woff2"] });
const size = async (name) => `${name} ${(await readFile(new URL(name, out))).length}`;
console.log((await Promise.all(["app.css", "public.css", "theme.js", "app.js", "charts.js", "editor.js", "signup.js", "proof.js", "embed.js"].map(size))).join("\n"));
