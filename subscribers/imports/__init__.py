"""Importing people from files: read, map, check without writing, merge, undo."""
