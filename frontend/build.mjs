// Builds what the browser gets into static/dist. Run by `make assets`; the result is committed.
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { writeTabler } from "./tabler.mjs";

const SCRIPTS = ["theme", "app", "charts", "editor", "media", "signup", "proof", "embed"];
const SHEETS = ["app", "public"];

/** @param {string} path */
const here = (path) => new URL(path, import.meta.url);
const out = here("../static/dist/");
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const fonts = here("node_modules/@fontsource-variable/inter/files/");
for (const set of ["latin", "latin-ext"]) {
  await copyFile(new URL(`inter-${set}-wght-normal.woff2`, fonts), new URL(`inter-${set}.woff2`, out));
}

const sheets = (await readdir(here("src/css/"), { recursive: true })).filter((name) => name.endsWith(".css"));
await mkdir(here("node_modules/.warta/"), { recursive: true });
await writeTabler(
  sheets.map((name) => here(`src/css/${name}`)),
  here("node_modules/.warta/"),
);

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: fileURLToPath(here("./")),
  bundle: true,
  minify: true,
  legalComments: "none",
  charset: "utf8",
  target: ["chrome111", "firefox113", "safari16.4"],
  logLevel: "warning",
  outdir: fileURLToPath(out),
};
/**
 * @param {string[]} names
 * @param {string} kind
 */
const entries = (names, kind) => Object.fromEntries(names.map((name) => [name, `src/${name}.${kind}`]));
await build({ ...common, entryPoints: entries(SCRIPTS, "js"), format: "iife" });
await build({ ...common, entryPoints: entries(SHEETS, "css"), external: ["*.woff2"] });

for (const name of [...SHEETS.map((name) => `${name}.css`), ...SCRIPTS.map((name) => `${name}.js`)]) {
  const built = await readFile(new URL(name, out));
  console.log(`${name} ${built.length}, gzipped ${gzipSync(built, { level: 9 }).length}`);
}
