"""Workspaces: made, found by their slug in an address, and whose clock their pages show.

It may import `mails` and below. Begin with `workspaces`.
"""
