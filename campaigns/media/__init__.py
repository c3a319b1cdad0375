"""The media library: pictures come in, are made anew, and stand at one address for years.

Reading order: `limits` (how large what may be) · `worker`, `making`, `animation`, `colours` (a
process of its own, without Django, that reads what strangers' files hold and writes new pictures) ·
`workshop` (starts it within time and memory, and says in words why a picture is refused) · `names`,
`storing` (unguessable names, disk or S3) · `library` (add, change, delete, quota) · `folders`,
`browsing` (pages by key, search) · `uses` (where a picture stands, replacing it everywhere).
May import drafts and accounts; knows nothing of delivery.
"""
