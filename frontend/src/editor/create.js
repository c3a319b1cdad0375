import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { html } from "@codemirror/lang-html";
import { jinja } from "@codemirror/lang-jinja";
import { markdown } from "@codemirror/lang-markdown";
import { bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { one, origin } from "../dom.js";
import { commands, run } from "./commands.js";
import { mergeTags } from "./mergetags.js";
import { mjmlTags } from "./mjml.js";
import { insertPicture, takesPictures } from "./pictures.js";

/** @typedef {import("./mergetags.js").Tag} Tag */

/** @type {Record<string, () => import("@codemirror/state").Extension[]>} */
const languages = {
  markdown: () => [markdown()],
  mjml: () => [jinja({ base: html({ extraTags: mjmlTags, selfClosingTags: true }) })],
  html: () => [jinja({ base: html() })],
  text: () => [],
  line: () => [EditorState.transactionFilter.of((change) => (change.newDoc.lines > 1 ? flatten(change) : change))],
};

// Left to the browser, typing over a selection with colours of its own writes a style attribute, which our
// policy refuses. What closeBrackets puts around a selection in code is left to it.
const typeOverSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    if (
      event.inputType !== "insertText" ||
      event.data === null ||
      view.composing ||
      state.readOnly ||
      state.selection.main.empty
    )
      return false;
    if (/^["'`([{]$/.test(event.data) && view.dom.closest("[data-editor='mjml'], [data-editor='html']")) return false;
    event.preventDefault();
    view.dispatch(state.update(state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true }));
    return true;
  },
});

// A single line stays one: pasted line breaks become spaces.
/**
 * @param {import("@codemirror/state").Transaction} change
 * @returns {import("@codemirror/state").TransactionSpec}
 */
function flatten(change) {
  const text = change.newDoc.toString().replace(/\s*\n\s*/g, " ");
  return {
    changes: { from: 0, to: change.startState.doc.length, insert: text },
    selection: { anchor: Math.min(change.newSelection.main.head, text.length) },
  };
}

/**
 * @param {HTMLElement} box
 * @param {string} nonce
 */
export function createEditor(box, nonce) {
  box.dataset.ready = "";
  const field = one("textarea, input", box);
  if (!field) return;
  const kind = box.dataset.editor ?? "";
  /** @type {Tag[]} */
  const tags = JSON.parse(box.querySelector("script[type='application/json']")?.textContent || "[]");
  const label =
    box.dataset.label || document.querySelector(`label[for="${CSS.escape(field.id)}"]`)?.textContent?.trim() || "";
  const isLine = kind === "line";
  const isCode = kind === "mjml" || kind === "html";
  const described = field.getAttribute("aria-describedby");

  const extensions = [
    nonce ? EditorView.cspNonce.of(nonce) : [],
    history(),
    drawSelection(),
    EditorView.lineWrapping,
    syntaxHighlighting(classHighlighter),
    languages[kind](),
    mergeTags(tags),
    autocompletion({ override: isCode ? null : [complete(tags)], icons: false }),
    isCode
      ? [
          EditorState.languageData.of(() => [{ autocomplete: complete(tags) }]),
          lineNumbers(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          keymap.of(closeBracketsKeymap),
        ]
      : [],
    box.dataset.lintUrl
      ? [
          linter((view) => ask(box.dataset.lintUrl ?? "", view, kind), { delay: 900 }),
          isLine ? [] : lintGutter(),
          keymap.of(lintKeymap),
        ]
      : [],
    kind === "markdown"
      ? keymap.of([
          { key: "Mod-b", run: commands.bold },
          { key: "Mod-i", run: commands.italic },
          { key: "Mod-k", run: commands.link },
        ])
      : [],
    isLine
      ? keymap.of([
          {
            key: "Enter",
            run: () => {
              field.form?.requestSubmit();
              return true;
            },
          },
        ])
      : [],
    isLine || kind === "text" ? [] : takesPictures(box, kind),
    typeOverSelection,
    keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
    field.placeholder ? placeholder(field.placeholder) : [],
    EditorView.contentAttributes.of({
      "aria-label": label,
      spellcheck: isCode ? "false" : "true",
      ...(described ? { "aria-describedby": described } : {}),
      ...(field.required ? { "aria-required": "true" } : {}),
      ...(isLine ? { "aria-multiline": "false" } : {}),
    }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      field.value = update.state.doc.toString();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }),
    // CodeMirror writes its own class attribute anew whenever the focus changes: ours has to be a part of it.
    EditorView.editorAttributes.of({
      class: [isLine ? "form-control w-line-editor" : "", field.classList.contains("is-invalid") ? "is-invalid" : ""]
        .join(" ")
        .trim(),
    }),
    EditorState.readOnly.of(field.readOnly || field.disabled),
  ];
  const view = new EditorView({ state: EditorState.create({ doc: field.value, extensions }) });
  field.after(view.dom);
  view.scrollDOM.tabIndex = -1;
  field.hidden = true;
  field.required = false; // a hidden field cannot say so; the server does
  field.wartaEditor = {
    view,
    insert: (/** @type {string} */ text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    insertPicture: (picture) => insertPicture(view, kind, picture),
  };
  document.querySelector(`label[for="${CSS.escape(field.id)}"]`)?.addEventListener("click", () => view.focus());
  field.form?.addEventListener("reset", () =>
    setTimeout(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: field.value } })),
  );

  const tools = one("[data-editor-tools]", box);
  if (tools) {
    tools.hidden = false;
    tools.addEventListener("mousedown", (event) => {
      if (origin(event).closest("[data-command]")) event.preventDefault();
    });
    tools.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (origin(event).closest("[data-command]"));
      if (button) {
        run(button.dataset.command ?? "", view);
        view.focus();
      }
    });
  }
}

// Offers the merge tags after "{{".
/**
 * @param {Tag[]} tags
 * @returns {import("@codemirror/autocomplete").CompletionSource}
 */
function complete(tags) {
  return (context) => {
    const before = context.matchBefore(/\{\{\s*\w*/);
    if (!before) return null;
    const closed = /^\s*\}\}/.test(context.state.sliceDoc(context.pos, context.pos + 4));
    return {
      from: before.from,
      filter: false,
      options: tags
        .filter(({ name }) => name.includes(before.text.replace(/\W/g, "")))
        .map(({ name, label }) => ({ label: name, detail: label, apply: closed ? `{{ ${name}` : `{{ ${name} }}` })),
    };
  };
}

/**
 * @param {string} address
 * @param {EditorView} view
 * @param {string} kind
 */
async function ask(address, view, kind) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const body = new URLSearchParams({ source: view.state.doc.toString(), kind });
  try {
    const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if (!answer.ok) return [];
    const { findings } = await answer.json();
    return findings.map((/** @type {Finding} */ finding) => place(finding, view.state.doc));
  } catch {
    return [];
  }
}
/** @typedef {{ line?: number, column?: number, message: string, severity?: import("@codemirror/lint").Diagnostic["severity"] }} Finding */
/**
 * @param {Finding} finding
 * @param {import("@codemirror/state").Text} doc
 * @returns {import("@codemirror/lint").Diagnostic}
 */
function place({ line, column = 0, message, severity = "error" }, doc) {
  const row = doc.line(Math.min(Math.max(line || 1, 1), doc.lines));
  const from = column > 0 ? Math.min(row.from + column - 1, row.to) : row.from;
  return { from, to: row.to, severity, message };
}
