// Writes THIRD_PARTY_LICENSES: the licence of every package that ends up in static/.
import { readdir, readFile, writeFile } from "node:fs/promises";

/** @param {string} path */
const here = (path) => new URL(path, import.meta.url);
const lock = JSON.parse(await readFile(here("package-lock.json"), "utf8"));
const NEVER_SHIPPED = /^(esbuild|@esbuild\/|purgecss|postcss)/;
const packages = Object.entries(lock.packages)
  .filter(([path, info]) => path && !info.dev && !info.optional)
  .map(([path, info]) => ({
    name: path.replace(/^.*node_modules\//, ""),
    path,
    version: info.version,
    licence: info.license,
  }));
packages.push({
  name: "@tabler/icons",
  path: "node_modules/@tabler/icons",
  version: lock.packages["node_modules/@tabler/icons"].version,
  licence: "MIT",
});
packages.sort((a, b) => a.name.localeCompare(b.name));

// Packages that leave their licence out of the tarball: what their repository's LICENSE says.
/** @type {Record<string, string>} */
const OWNERS = { "@tabler/core": "Copyright (c) 2018-2026 The Tabler Authors" };
const MIT = parseMit(await readFile(here("node_modules/@tabler/icons/LICENSE"), "utf8"));
/** @param {string} text */
function parseMit(text) {
  return (/** @type {string} */ owner) => text.replace(/^Copyright.*$/m, owner);
}

const parts = ["The files under static/ contain the following packages.\n"];
for (const { name, path, version, licence } of packages) {
  if (NEVER_SHIPPED.test(name)) continue;
  const files = (await readdir(here(`${path}/`), { withFileTypes: true }))
    .filter((file) => file.isFile() && /^(licen[cs]e|notice)/i.test(file.name))
    .map((file) => file.name);
  const texts = await Promise.all(files.map((file) => readFile(here(`${path}/${file}`), "utf8")));
  parts.push(
    `${"=".repeat(78)}\n${name} ${version} (${licence})\n\n${texts.join("\n\n").trim() || MIT(OWNERS[name])}\n`,
  );
}
await writeFile(here("../THIRD_PARTY_LICENSES"), parts.join("\n"));
console.log(`${parts.length - 1} licences`);
