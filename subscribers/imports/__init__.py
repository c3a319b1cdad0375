"""Importing people from files: read, map, check without writing, merge, undo.

`steps` are what a person decides, `reader` and `rows` make lines of a file, `merge` and
`statements` people of lines, `run` does it from beginning to end whatever interrupts, `undo`
takes it back. It may import `signup` and below. Begin with `run`.
"""
