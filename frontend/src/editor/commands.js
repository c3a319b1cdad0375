// What the toolbar of the Simple editor does: wraps and prefixes Markdown.
import { EditorSelection } from "@codemirror/state";

/** @typedef {import("@codemirror/view").EditorView} EditorView */
/** @typedef {(view: EditorView) => boolean} Run */

/** @type {(mark: string) => Run} */
const wrap = (mark) => (view) => {
  const { state } = view;
  view.dispatch(
    state.changeByRange((range) => {
      const text = state.sliceDoc(range.from, range.to);
      const size = mark.length;
      if (state.sliceDoc(range.from - size, range.from) === mark && state.sliceDoc(range.to, range.to + size) === mark)
        return {
          changes: [
            { from: range.from - size, to: range.from },
            { from: range.to, to: range.to + size },
          ],
          range: EditorSelection.range(range.from - size, range.to - size),
        };
      return {
        changes: { from: range.from, to: range.to, insert: `${mark}${text}${mark}` },
        range: EditorSelection.range(range.from + size, range.to + size),
      };
    }),
  );
  return true;
};
/** @type {(mark: string, others?: RegExp) => Run} */
const prefix =
  (mark, others = /^(?:#{1,6} |[-*] |\d+\. |> )/) =>
  (view) => {
    const { state } = view;
    const first = state.doc.lineAt(state.selection.main.from).number;
    const last = state.doc.lineAt(state.selection.main.to).number;
    const changes = [];
    for (let number = first; number <= last; number += 1) {
      const line = state.doc.line(number);
      const old = others.exec(line.text)?.[0] ?? "";
      changes.push({ from: line.from, to: line.from + old.length, insert: old === mark ? "" : mark });
    }
    // The caret goes behind a mark that is put in front of it, so that one types the heading or the item.
    const put = state.changes(changes);
    const { anchor, head } = state.selection.main;
    view.dispatch({ changes: put, selection: { anchor: put.mapPos(anchor, 1), head: put.mapPos(head, 1) } });
    return true;
  };
// What stands for a text that is still to be written comes from the page, in the reader's language.
/** @type {(before: string, after: string, word: string) => Run} */
const template = (before, after, word) => (view) => {
  const { state } = view;
  const { from, to } = state.selection.main;
  const text =
    state.sliceDoc(from, to) ||
    /** @type {HTMLElement | null} */ (view.dom.closest("[data-editor]"))?.dataset[word] ||
    "";
  const insert = before + text + after;
  const mark = insert.indexOf("https://");
  view.dispatch({
    changes: { from, to, insert },
    selection:
      mark < 0
        ? { anchor: from + before.length, head: from + before.length + text.length }
        : { anchor: from + mark, head: from + mark + "https://".length },
    scrollIntoView: true,
  });
  return true;
};
/** @type {(inner: Run) => Run} */
const ownLine = (inner) => (view) => {
  const line = view.state.doc.lineAt(view.state.selection.main.from);
  if (line.text.trim() && view.state.selection.main.empty)
    view.dispatch({ changes: { from: line.to, insert: "\n\n" }, selection: { anchor: line.to + 2 } });
  return inner(view);
};

/** @satisfies {Record<string, Run>} */
export const commands = {
  heading: prefix("## "),
  list: prefix("- "),
  numbers: prefix("1. "),
  quote: prefix("> "),
  bold: wrap("**"),
  italic: wrap("*"),
  link: template("[", "](https://)", "linkText"),
  image: ownLine(template("![", "](https://)", "imageText")),
  button: ownLine(template("::button[", "](https://)", "buttonText")),
};
/**
 * @param {string} name
 * @param {EditorView} view
 */
export const run = (name, view) => /** @type {Record<string, Run>} */ (commands)[name]?.(view);
