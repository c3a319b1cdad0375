"""From a content version to templates of subject, HTML and text that are quick to fill.

Reading order: `values` (what merge tags hold) · `sandbox` and `filters` (what an author may write)
· `protect` (merge tags survive Markdown and MJML) · `markdown`, `mjml`, `markup`, `plain` (the
kinds) · `links`, `frame` (footer, preheader, pixel) · `merge` and `guard` (constants and slots) ·
`compile` (all of it) · `preview`, `findings` (for the editor). Nothing here knows delivery.
"""
