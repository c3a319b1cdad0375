"""Coming from another tool: its files are read, checked without writing, then merged.

A module for each tool. It may import `imports` and below. Begin with `run`.
"""
