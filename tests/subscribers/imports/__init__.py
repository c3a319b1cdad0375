"""Imports: hostile files, exact figures, no double effects."""
