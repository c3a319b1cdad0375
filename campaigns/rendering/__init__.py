"""From a content version to templates of subject, HTML and text that are quick to fill.

Reading order: `values` (what merge tags hold) · `restricted_jinja` and `filters` (what an author
may write) · `delimiters` (which braces are merge tags) · `protect` (they survive Markdown and MJML)
· `markup` (tags and attributes in place) · `markdown`, `mjml`, `plain` (the kinds) · `stylesheets`,
`matching`, `inlining` (styles into elements) · `web_addresses`, `links`, `frame` (footer,
preheader, pixel) · `split_template` and `charging` (constants and slots) · `compile` (all of it) ·
`preview`, `foreign` (other tools' tags), `content_checks` (for the editor). Nothing here knows
delivery.
"""
