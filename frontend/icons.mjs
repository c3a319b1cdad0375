// Copies the icons that our pages name from @tabler/icons to static/icons. Add a name, run `npm run icons`.
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";

const NAMES = `
  activity address-book adjustments alert-circle alert-triangle archive arrow-back-up arrow-down arrow-left
  arrow-right arrow-up at ban bell blockquote bold bolt braces brackets-contain brand-apple building
  building-store calendar calendar-time certificate chart-bar chart-dots chart-histogram chart-line check
  checklist chevron-down chevron-left chevron-right chevron-up circle circle-check circle-dashed circle-x
  click clock cloud-upload code columns-3 copy cursor-text database device-desktop device-floppy
  device-mobile device-tablet dots dots-vertical download edit external-link eye eye-off file-code
  file-export file-import file-spreadsheet file-text filter flag flask folder folder-plus forms gauge gif
  grip-vertical h-1 h-2 heading heart help help-circle history home hourglass id inbox inbox-off info-circle italic
  key language layout-grid link list list-check list-details list-numbers loader-2 lock login logout mail
  mail-check mail-cog mail-forward mail-off mail-opened mail-question mail-x markdown menu-2 message-report
  mood-off moon paperclip pencil percentage photo player-pause player-play player-stop plug plus pointer
  quote refresh restore route rss scale search selector send separator-horizontal server settings
  shield-check shield-off shield-x signature sparkles square-check star sun tag target template test-pipe
  tool trash upload user user-check user-circle user-minus user-off user-plus users users-group users-plus
  variable wand world world-www x
`
  .trim()
  .split(/\s+/);

const from = new URL("node_modules/@tabler/icons/icons/outline/", import.meta.url);
const to = new URL("../static/icons/", import.meta.url);
await mkdir(to, { recursive: true });
for (const old of await readdir(to)) if (!NAMES.includes(old.replace(/\.svg$/, ""))) await rm(new URL(old, to));
for (const name of NAMES) await copyFile(new URL(`${name}.svg`, from), new URL(`${name}.svg`, to));
console.log(`${NAMES.length} icons`);
