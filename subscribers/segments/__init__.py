"""Segments: saved rules that say who belongs to a group of people now."""
