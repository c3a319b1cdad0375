// Draws {{ name }} and {{ name|default("…") }} as chips; the text itself shows while the cursor is in it.
import { Decoration, EditorView, ViewPlugin, WidgetType } from "@codemirror/view";

const TAG = /\{\{\s*([A-Za-z_][\w.]*)\s*(?:\|\s*default\(\s*(?:"([^"]*)"|'([^']*)')[^)]*\)\s*)?\}\}/g;

/** @typedef {{ name: string, label: string }} Tag */

class Chip extends WidgetType {
  /**
   * @param {string} name
   * @param {string} fallback
   * @param {boolean} known
   * @param {string} label
   */
  constructor(name, fallback, known, label) {
    super();
    this.name = name;
    this.fallback = fallback;
    this.known = known;
    this.label = label;
  }
  /** @param {Chip} other */
  eq(other) {
    return other.name === this.name && other.fallback === this.fallback && other.known === this.known;
  }
  /** @param {EditorView} view */
  toDOM(view) {
    const chip = document.createElement("span");
    chip.className = this.known ? "cm-mergetag" : "cm-mergetag is-unknown";
    chip.textContent = this.name;
    chip.title = [this.label, this.fallback ? `→ ${this.fallback}` : ""].filter(Boolean).join(" ");
    chip.addEventListener("mousedown", (event) => {
      event.preventDefault();
      view.dispatch({ selection: { anchor: view.posAtDOM(chip) + 2 } });
      view.focus();
    });
    return chip;
  }
  ignoreEvent() {
    return false;
  }
}

/** @param {Tag[]} tags */
export function mergeTags(tags) {
  const known = new Map(tags.map(({ name, label }) => [name, label]));
  const build = (/** @type {EditorView} */ view) => {
    const found = [];
    const selections = view.hasFocus ? view.state.selection.ranges : [];
    for (const { from, to } of view.visibleRanges) {
      for (const match of view.state.sliceDoc(from, to).matchAll(TAG)) {
        const start = from + match.index;
        const end = start + match[0].length;
        if (selections.some((range) => range.from < end && range.to > start)) {
          found.push(Decoration.mark({ class: "cm-mergetag-open" }).range(start, end));
          continue;
        }
        const name = match[1];
        found.push(
          Decoration.replace({
            widget: new Chip(name, match[2] ?? match[3] ?? "", !known.size || known.has(name), known.get(name) ?? ""),
          }).range(start, end),
        );
      }
    }
    return Decoration.set(found);
  };
  const plugin = ViewPlugin.fromClass(
    class {
      /** @param {EditorView} view */
      constructor(view) {
        this.decorations = build(view);
      }
      /** @param {import("@codemirror/view").ViewUpdate} update */
      update(update) {
        if (update.docChanged || update.viewportChanged || update.selectionSet || update.focusChanged)
          this.decorations = build(update.view);
      }
    },
    { decorations: (value) => value.decorations },
  );
  return [plugin, EditorView.baseTheme({})];
}
