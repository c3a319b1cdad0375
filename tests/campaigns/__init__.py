"""Tests of what we write: audience, lifecycle, content, checks, pages."""
