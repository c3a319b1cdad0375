// A strip of tabs that is wider than the screen begins where one is, not at its start.
import { all, origin } from "../dom.js";

/** @param {ParentNode} root */
const show = (root) =>
  all(".w-sidetabs [aria-current], .w-tabs [aria-current]", root).forEach((tab) => {
    const strip = tab.closest("ul, nav");
    const scrolls = [strip, strip?.closest("nav")].find(
      (element) => element && element.scrollWidth > element.clientWidth,
    );
    if (scrolls) scrolls.scrollLeft = tab.offsetLeft - (scrolls.clientWidth - tab.offsetWidth) / 2;
  });
show(document);
document.addEventListener("htmx:load", (event) => show(origin(event)));
