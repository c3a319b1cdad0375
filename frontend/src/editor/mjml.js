// MJML's elements with their usual attributes, for completion.
const box = ["padding", "background-color", "css-class"];
const type = ["font-size", "font-weight", "font-family", "line-height", "color", "align"];
const tag = (...attrs) => ({ attrs: Object.fromEntries(attrs.flat().map((name) => [name, null])) });

export const mjmlTags = {
  mjml: tag("lang", "dir"), "mj-head": tag(), "mj-body": tag("width", "background-color", "css-class"), "mj-preview": tag(), "mj-title": tag(), "mj-style": tag("inline"), "mj-attributes": tag(), "mj-all": tag(box, type), "mj-class": tag("name", box, type), "mj-font": tag("name", "href"), "mj-breakpoint": tag("width"), "mj-raw": tag(),
  "mj-section": tag(box, "full-width", "background-url", "background-size", "border", "border-radius", "text-align", "direction"), "mj-wrapper": tag(box, "full-width", "border", "border-radius"), "mj-group": tag("width", "background-color", "direction"), "mj-column": tag(box, "width", "border", "border-radius", "inner-background-color", "vertical-align"),
  "mj-text": tag(box, type, "letter-spacing", "text-transform"), "mj-image": tag(box, "src", "alt", "href", "width", "height", "align", "border-radius", "fluid-on-mobile"), "mj-button": tag(box, type, "href", "border-radius", "inner-padding", "width", "target"), "mj-divider": tag(box, "border-color", "border-width", "border-style", "width"), "mj-spacer": tag("height"), "mj-table": tag(box, type),
  "mj-hero": tag(box, "mode", "height", "background-url", "vertical-align"), "mj-social": tag(box, type, "mode", "icon-size"), "mj-social-element": tag("name", "href", "src", "alt", "icon-size"), "mj-navbar": tag("base-url", "hamburger"), "mj-navbar-link": tag(type, "href"), "mj-accordion": tag(box), "mj-accordion-element": tag(), "mj-accordion-title": tag(type), "mj-accordion-text": tag(type), "mj-carousel": tag("align"), "mj-carousel-image": tag("src", "alt", "href"),
};
