"""Addresses of our own pages."""

from typing import Any

from django.urls import NoReverseMatch, reverse


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a page by its name, ``#name`` while that page does not exist."""
    return find(name, *args, **kwargs) or f"#{name}"


def find(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a page, or an empty string if no page has this name."""
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""
