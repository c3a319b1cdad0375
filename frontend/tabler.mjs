// Of Tabler only what our pages use, taken apart into the layers that app.css names.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

/** @param {string} path */
const here = (path) => new URL(path, import.meta.url);
const TABLER = here("node_modules/@tabler/core/dist/css/tabler.min.css");
const PAGES = [
  "../templates/**/*.html",
  "../tests/look/templates/**/*.html",
  "src/**/*.js",
  "../config/pages/forms.py",
];

/**
 * Writes reset.css, tabler.css and utilities.css.
 * @param {URL[]} sheets our own sheets, whose variables of Tabler stay
 * @param {URL} folder where to
 */
export async function writeTabler(sheets, folder) {
  const own = await Promise.all(sheets.map((path) => readFile(path, "utf8")));
  const root = postcss.parse(await withoutUnusedRules());
  dropUnusedVariables(root, own.join("\n"));
  for (const [layer, part] of Object.entries(takeApart(root))) {
    await writeFile(new URL(`${layer}.css`, folder), part.toString());
  }
}

async function withoutUnusedRules() {
  const [{ css }] = await new PurgeCSS().purge({
    content: PAGES.map((path) => fileURLToPath(here(path))),
    css: [fileURLToPath(TABLER)],
    safelist: { standard: ["html", "body"], deep: [/data-bs-theme/] },
    blocklist: [/^w-\d$/], // .w-8 is eight of our twelve columns
    defaultExtractor: names,
    keyframes: true,
  });
  return css;
}

// What people read names no class. Of a template count the values of attributes, the texts in Jinja's
// expressions that are not translated, and the names of elements and attributes.
function names(/** @type {string} */ text) {
  const code = text
    .replace(/\{#[\s\S]*?#\}/g, " ")
    .replace(/\b(?:_|ngettext|gettext)\(\s*(?:"[^"]*"|'[^']*')(?:\s*,\s*(?:"[^"]*"|'[^']*'))?/g, " ");
  const quoted = code.match(/"[^"]*"|'[^']*'|`[^`]*`/g) ?? [];
  const bare = code.match(/<[a-z][\w-]*|\s[a-z][\w-]*(?==)|\s(?:hidden|disabled|open|multiple|readonly)\b/g) ?? [];
  return [...quoted, ...bare].flatMap((part) => part.match(/[\w-]+/g) ?? []);
}

// A variable that only unused variables read is unused, too: again until nothing is left to drop.
function dropUnusedVariables(/** @type {postcss.Root} */ root, /** @type {string} */ own) {
  for (let dropped = true; dropped; ) {
    dropped = false;
    const read = new Set(`${own}\n${root}`.match(/(?<=var\(\s*)--[\w-]+/g));
    root.walkDecls(/^--/, (declaration) => {
      if (read.has(declaration.prop)) return;
      declaration.remove();
      dropped = true;
    });
  }
  root.walkRules((rule) => {
    if (!rule.nodes.length) rule.remove();
  });
}

function takeApart(/** @type {postcss.Root} */ root) {
  const layers = { reset: postcss.root(), tabler: postcss.root(), utilities: postcss.root() };
  for (const node of root.nodes) sort(node, (layer, kept) => layers[layer].append(kept));
  return layers;
}

/** @typedef {"reset" | "tabler" | "utilities"} Layer */
/**
 * @param {postcss.ChildNode} node
 * @param {(layer: Layer, kept: postcss.ChildNode) => void} keep
 */
function sort(node, keep) {
  if (node.type === "atrule" && node.name === "media") {
    for (const inner of node.nodes ?? []) sort(inner, (layer, kept) => keep(layer, node.clone({ nodes: [kept] })));
  } else if (node.type !== "rule") {
    if (node.type !== "comment") keep("tabler", node.clone());
  } else {
    for (const layer of /** @type {const} */ (["reset", "tabler", "utilities"])) {
      const selectors = node.selectors.filter((selector) => layerOf(selector, node) === layer);
      if (selectors.length) keep(layer, inLayer(layer, node.clone({ selectors })));
    }
  }
}

// An element by itself belongs to the reset; a class whose declarations are all important is a utility.
function layerOf(/** @type {string} */ selector, /** @type {postcss.Rule} */ rule) {
  const declared = rule.nodes.filter((one) => one.type === "decl" && !one.prop.startsWith("--"));
  const isUtility = declared.length > 0 && declared.every((one) => one.type === "decl" && one.important);
  if (isUtility && /^\.[\w-]+(:not\(\w+\))?$/.test(selector)) return "utilities";
  return /[.#]|data-bs-theme|^:root$/.test(selector) ? "tabler" : "reset";
}

// The last layer wins without being important.
function inLayer(/** @type {Layer} */ layer, /** @type {postcss.Rule} */ rule) {
  if (layer === "utilities") {
    rule.walkDecls((declaration) => {
      declaration.important = false;
    });
  }
  return rule;
}
