// @ts-check
// Sends one picture and says how far it is. The answer is what the server says of it, or an error in words.

const TRIES = 4;
const PAUSE = 1500;

/**
 * @typedef {{id: number, name: string, alt: string, url: string, thumbnail: string, width: number, height: number, is_new: boolean}} Picture
 * @typedef {{picture?: Picture, error?: string}} Answer
 */

/**
 * The pictures among what was dropped, pasted or chosen.
 * @param {DataTransfer | null | undefined} given
 */
export function picturesOf(given) {
  return [...(given?.files ?? [])].filter(
    (file) => file.type.startsWith("image/") || /\.(heic|heif)$/i.test(file.name),
  );
}

/**
 * Whether what was pasted is a picture, and not text that brings one along (as word processors do).
 * @param {DataTransfer | null | undefined} given
 */
export function isPicture(given) {
  return picturesOf(given).length > 0 && !given?.types.includes("text/plain");
}

/**
 * @param {File} file
 * @param {{address: string, folder?: string, failed: string, progress?: (share: number) => void}} how
 * @returns {Promise<Answer>}
 */
export async function send(file, how) {
  for (let attempt = 1; ; attempt += 1) {
    const { status, answer } = await once(file, how);
    if (status === 200 || status === 201) return { picture: /** @type {Picture} */ (answer) };
    // Others' pictures are being prepared: soon it is this one's turn.
    if (status === 503 && attempt < TRIES) await new Promise((resolve) => setTimeout(resolve, PAUSE * attempt));
    else return { error: answer?.error || how.failed.replace("{name}", file.name) };
  }
}

/**
 * @param {File} file
 * @param {{address: string, folder?: string, progress?: (share: number) => void}} how
 * @returns {Promise<{status: number, answer: any}>}
 */
function once(file, { address, folder, progress }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    if (folder) form.append("folder", folder);
    form.append("picture", file, file.name || "picture.png");
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
    request.setRequestHeader("X-CSRFToken", token);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress?.(event.loaded / event.total);
    });
    const done = () => resolve({ status: request.status, answer: read(request.responseText) });
    request.addEventListener("load", done);
    request.addEventListener("error", () => resolve({ status: 0, answer: null }));
    request.addEventListener("abort", () => resolve({ status: 0, answer: null }));
    request.send(form);
  });
}

/** @param {string} text */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
