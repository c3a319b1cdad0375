"""Finding people: by filters, columns and pages, counted the short way, exported.

It may import `segments`, `imports` and below. Begin with `directory`.
"""
