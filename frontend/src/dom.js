// @ts-check
// The browser's own questions, answered in the types that our pages put there.

/**
 * Where an event came from.
 * @param {Event} event
 */
export const origin = (event) => /** @type {HTMLInputElement} */ (event.target);

/**
 * The form of an event of its own.
 * @param {Event} event
 */
export const formOf = (event) => /** @type {HTMLFormElement} */ (event.target);

/**
 * The first element that the selector finds.
 * @param {string} selector
 * @param {ParentNode} [root]
 */
export const one = (selector, root = document) => /** @type {HTMLInputElement | null} */ (root.querySelector(selector));

/**
 * All elements that the selector finds.
 * @param {string} selector
 * @param {ParentNode} [root]
 */
export const all = (selector, root = document) =>
  /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll(selector)]);
