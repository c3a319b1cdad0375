// A strip of tabs that is wider than the screen begins where one is, not at its start.
const show = (root) =>
  root.querySelectorAll(".w-sidetabs [aria-current], .w-tabs [aria-current]").forEach((tab) => {
    const strip = tab.closest("ul, nav");
    const scrolls = [strip, strip?.closest("nav")].find(
      (element) => element && element.scrollWidth > element.clientWidth,
    );
    if (scrolls) scrolls.scrollLeft = tab.offsetLeft - (scrolls.clientWidth - tab.offsetWidth) / 2;
  });
show(document);
document.addEventListener("htmx:load", (event) => show(event.target));
