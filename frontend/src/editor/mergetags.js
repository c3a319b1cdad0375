// Draws {{ name }} and {{ name|default("…") }} as chips; the text itself shows while the cursor is in it.
import { Decoration, EditorView, ViewPlugin, WidgetType } from "@codemirror/view";

const TAG = /\{\{\s*([A-Za-z_][\w.]*)\s*(?:\|\s*default\(\s*(?:"([^"]*)"|'([^']*)')[^)]*\)\s*)?\}\}/g;

class Chip extends WidgetType {
  constructor(name, fallback, known, label) {
    super();
    Object.assign(this, { name, fallback, known, label });
  }
  eq(other) {
    return other.name === this.name && other.fallback === this.fallback && other.known === this.known;
  }
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

export function mergeTags(tags) {
  const known = new Map(tags.map(({ name, label }) => [name, label]));
  const build = (view) => {
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
      constructor(view) {
        this.decorations = build(view);
      }
      update(update) {
        if (update.docChanged || update.viewportChanged || update.selectionSet || update.focusChanged)
          this.decorations = build(update.view);
      }
    },
    { decorations: (value) => value.decorations },
  );
  return [plugin, EditorView.baseTheme({})];
}
