"""Addresses of our own pages."""

from typing import Any

from django.urls import reverse


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a page by its name.

    Raises:
        NoReverseMatch: no page has this name, or it wants other arguments.
    """
    return reverse(name, args=args, kwargs=kwargs)
