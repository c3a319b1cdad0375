// hx-swap="morph": a partial that renews itself changes only what differs, so the focus, a selection and what is
// being read aloud stay where they are. Rows need ids: else the first row's element becomes the new first row's.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

// What the reader opened stays open, whatever the server drew; a field that has the focus keeps what is in it.
const keep = (name, element) => !(name === "open" && element.matches("details, dialog"));

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) =>
    style === "morph" &&
    Idiomorph.morph(target, fragment.children, {
      morphStyle: "outerHTML",
      ignoreActiveValue: document.activeElement.matches("input, textarea, select"),
      callbacks: { beforeAttributeUpdated: keep },
    }),
});
