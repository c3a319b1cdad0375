"""Backups: one file with the database, uploaded files and keys; made, proven and restored.

It may import `installation`. Begin with `taking`.
"""
