// hx-swap="morph": a partial that renews itself changes only what differs, so the focus, a selection and what is
// being read aloud stay where they are. Rows need ids: else the first row's element becomes the new first row's.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

// What the reader opened stays open, whatever the server drew; a field that has the focus keeps what is in it.
/**
 * @param {string} name
 * @param {Element} element
 */
const keep = (name, element) => !(name === "open" && element.matches("details, dialog"));

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) =>
    style === "morph" &&
    /** @type {Node[]} */ (
      Idiomorph.morph(/** @type {Element} */ (target), /** @type {Element} */ (fragment).children, {
        morphStyle: "outerHTML",
        ignoreActiveValue: document.activeElement?.matches("input, textarea, select") ?? false,
        callbacks: { beforeAttributeUpdated: keep },
      })
    ),
});
