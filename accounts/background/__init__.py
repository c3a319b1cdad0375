"""Work in the background: a worker is woken, and one bad member of many is left out and noted.

It may import `installation`. Begin with `set_aside`.
"""
