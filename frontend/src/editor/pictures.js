// Pictures in the editors: chosen in the dialog, dropped on the text or pasted into it.
import { EditorView } from "@codemirror/view";
import { isPicture, picturesOf, send } from "../media/sending.js";
import { finish, rowOf, show } from "../media/upload.js";

const FULL = 600; // pixels: the width of a mail

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "{": "&#123;" };
/** @param {string} text */
const forCode = (text) => text.replace(/[&<>"{]/g, (letter) => ENTITIES[letter]);
/** @param {string} text */
const forMarkdown = (text) => text.replace(/[\\[\]`*_]/g, "\\$&").replace(/[&<{]/g, (letter) => ENTITIES[letter]);

/** @typedef {{url: string, alt: string, width: number, height?: number}} Picture */

/**
 * What is written for a picture, and where in it the alternative text stands.
 * @param {string} kind @param {Picture} picture
 */
export function written(kind, { url, alt, width }) {
  if (kind === "markdown") return { text: `![${forMarkdown(alt)}](${url})`, place: 2 };
  const isNarrow = width > 0 && width < FULL;
  const before = kind === "mjml" ? `<mj-image src="${url}" alt="` : `<img src="${url}" alt="`;
  const after =
    kind === "mjml"
      ? `"${isNarrow ? ` width="${width}px"` : ""} />`
      : `" width="${isNarrow ? width : FULL}" style="max-width:100%;height:auto">`;
  return { text: before + forCode(alt) + after, place: before.length };
}

/**
 * Writes a picture at a place of the text; without alternative text, the cursor waits where it belongs.
 * @param {EditorView} view @param {string} kind @param {Picture} picture
 * @param {number | {from: number, to: number}} at
 */
export function insertPicture(view, kind, picture, at = view.state.selection.main) {
  const { from, to } = typeof at === "number" ? { from: at, to: at } : at;
  const line = view.state.doc.lineAt(from);
  const isInText = kind === "markdown" && line.text.trim() !== "" && from === to;
  const start = isInText ? "\n\n" : "";
  const { text, place } = written(kind, picture);
  const begin = isInText ? line.to : from;
  const end = isInText ? line.to : to;
  view.dispatch({
    changes: { from: begin, to: end, insert: start + text },
    selection: { anchor: begin + start.length + (picture.alt ? text.length : place) },
    scrollIntoView: true,
    userEvent: "input.picture",
  });
  view.focus();
}

/**
 * Takes dropped and pasted pictures; <… data-upload-url> says where they go.
 * @param {HTMLElement} box @param {string} kind
 */
export function takesPictures(box, kind) {
  const { uploadUrl, uploading = "", uploadFailed = "", altText = "" } = box.dataset;
  if (!uploadUrl) return [];
  /** @type {Set<{at: number}>} */
  const places = new Set();
  /** @param {EditorView} view @param {File[]} files @param {number} at */
  const take = async (view, files, at) => {
    const place = { at };
    places.add(place); // people go on typing meanwhile
    /** @type {HTMLElement | null} */
    const list = box.querySelector("[data-upload-list]");
    if (!list) return;
    for (const old of [...list.querySelectorAll(".is-done, .is-failed")]) old.remove();
    for (const file of files) {
      const row = rowOf(uploading.replace("{name}", file.name), "", list);
      const answer = await send(file, {
        address: uploadUrl,
        failed: uploadFailed,
        progress: (share) => show(row, share, ""),
      });
      if (answer.picture) {
        row.remove();
        list.hidden = !list.children.length;
        insertPicture(view, kind, answer.picture, place.at);
        if (!answer.picture.alt) finish(rowOf(altText, "", list), "", true);
      } else finish(row, answer.error ?? "", false);
    }
    places.delete(place);
  };
  return [
    EditorView.updateListener.of((update) => {
      if (update.docChanged) for (const place of places) place.at = update.changes.mapPos(place.at, 1);
    }),
    EditorView.domEventHandlers({
      dragover(event) {
        if (!event.dataTransfer?.types.includes("Files")) return false;
        event.preventDefault();
        return false;
      },
      drop(event, view) {
        const files = picturesOf(event.dataTransfer);
        if (!files.length || view.state.readOnly) return false;
        event.preventDefault();
        take(view, files, view.posAtCoords({ x: event.clientX, y: event.clientY }) ?? view.state.selection.main.head);
        return true;
      },
      paste(event, view) {
        if (!isPicture(event.clipboardData) || view.state.readOnly) return false;
        event.preventDefault();
        take(view, picturesOf(event.clipboardData), view.state.selection.main.head);
        return true;
      },
    }),
  ];
}
