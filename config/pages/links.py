"""Addresses of our own pages."""

from typing import Any

from django.urls import reverse

from accounts.workspaces.workspace_urls import needs_workspace, outside


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a page by its name, in the workspace of the request if it needs one.

    Raises:
        NoReverseMatch: no page has this name, or it wants other arguments.
    """
    if needs_workspace(name):
        return reverse(name, args=args, kwargs=kwargs)
    return outside(name, *args, **kwargs)
