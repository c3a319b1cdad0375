"""Bringing templates and campaigns from another tool. Begin with `listmonk`."""
