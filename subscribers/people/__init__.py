"""People: added, changed, tagged, found by words, merged when two are one; their preferences.

It may import `consent` and below. Begin with `people`.
"""
