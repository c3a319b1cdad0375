// A page for the behaviours to live in: happy-dom's window as the globals that they expect.
import { Window } from "happy-dom";

const FROM_WINDOW = [
  "window",
  "document",
  "location",
  "fetch",
  "CSS",
  "Event",
  "CustomEvent",
  "FormData",
  "HTMLDialogElement",
  "HTMLElement",
  "HTMLInputElement",
];

/**
 * Makes a page; the behaviour under test is imported after it.
 * @param {string} html what stands in the body
 * @param {string} [address] where the page comes from
 */
export function page(html, address = "http://127.0.0.1/") {
  const window = new Window({ url: address, settings: { fetch: { disableSameOriginPolicy: false } } });
  for (const name of FROM_WINDOW) {
    Object.defineProperty(globalThis, name, { value: Reflect.get(window, name), configurable: true, writable: true });
  }
  Object.defineProperty(globalThis, "fetch", { value: window.fetch.bind(window), configurable: true });
  fill(html);
  return window;
}

/** @param {string} html */
export function fill(html) {
  document.documentElement.lang = "en";
  document.body.innerHTML = html;
  document.body.dataset.cancel = "Cancel";
  document.body.dataset.tooLarge = "Too large";
}

/** @param {string} selector */
export function $(selector) {
  const found = document.querySelector(selector);
  if (!found) throw new Error(`nothing on the page is ${selector}`);
  return /** @type {any} */ (found);
}

/**
 * @param {Element} element
 * @param {string} name
 */
export function fire(element, name) {
  const event = new Event(name, { bubbles: true, cancelable: true });
  element.dispatchEvent(event);
  return event;
}
