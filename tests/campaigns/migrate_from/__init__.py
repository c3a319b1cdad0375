"""Bringing templates and campaigns from another tool."""
