// Copies the icons that our pages name from @tabler/icons to static/icons. Add a name, run `npm run icons`.
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";

const NAMES = `
  activity alert-circle alert-triangle archive arrow-back-up arrow-down arrow-left arrow-right arrow-up at
  ban blockquote bold braces building-store calendar calendar-time certificate chart-histogram chart-line
  check chevron-down chevron-left chevron-right chevron-up circle-check circle-dashed circle-x click
  clock code columns-3 copy crop database dots download edit external-link eye file-code file-text filter flag
  folder folder-plus forms heading help help-circle history home id inbox info-circle italic key language link list
  list-check lock logout mail mail-check mail-off mail-opened mail-x markdown menu-2 message-report moon
  pencil photo player-pause player-play player-stop plus quote refresh replace search selector send server settings
  shield-check shield-off signature star sun tag target template tool trash upload user user-check
  user-circle user-minus user-off users users-group wand world x
`
  .trim()
  .split(/\s+/);

const from = new URL("node_modules/@tabler/icons/icons/outline/", import.meta.url);
const to = new URL("../static/icons/", import.meta.url);
await mkdir(to, { recursive: true });
for (const old of await readdir(to)) if (!NAMES.includes(old.replace(/\.svg$/, ""))) await rm(new URL(old, to));
for (const name of NAMES) await copyFile(new URL(`${name}.svg`, from), new URL(`${name}.svg`, to));
console.log(`${NAMES.length} icons`);
