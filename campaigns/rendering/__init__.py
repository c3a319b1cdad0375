"""From a content version to templates of subject, HTML and text that are quick to fill.

Reading order: `values` (what merge tags hold) · `sandbox` and `filters` (what an author may write)
· `delimiters` (which braces are merge tags) · `protect` (they survive Markdown and MJML) · `markup`
(tags and attributes in place) · `markdown`, `mjml`, `plain` (the kinds) · `stylesheets`,
`matching`, `inlining` (styles into elements) · `addresses`, `links`, `frame` (footer, preheader,
pixel) · `merge` and `guard` (constants and slots) · `compile` (all of it) · `preview`, `foreign`
(other tools' tags), `findings` (for the editor). Nothing here knows delivery.
"""
