"""A signed-in member's browser."""

from typing import Any

from django.test import Client
from django.urls import Resolver404, resolve
from selectolax.lexbor import LexborHTMLParser

from accounts.models import User, Workspace
from accounts.workspaces.workspaces import WORKSPACE_KEY


class MemberClient(Client):
    """Takes ``/campaigns/`` as that page of the user's first workspace, as a link there would be.

    Addresses that name a workspace, and those of pages that belong to none, are taken as they are.
    """

    slug = ""

    def force_login(self, user: User, backend: str | None = None) -> None:
        """Sign somebody in, without asking for a password."""
        super().force_login(user, backend)
        first = Workspace.objects.filter(members=user).order_by("name", "id").first()
        self.slug = first.slug if first else ""
        if first:  # as after a first page: looking at another writes no session
            session = self.session
            session[WORKSPACE_KEY] = first.pk
            session.save()

    def generic(self, method: str, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Ask for an address, in the workspace if it needs one."""
        return super().generic(method, self._in_workspace(str(path)), *args, **kwargs)

    def _in_workspace(self, path: str) -> str:
        try:
            found = resolve(path.partition("?")[0])
        except Resolver404:
            return path
        return f"/{self.slug}{path}" if self.slug and hasattr(found.func, "permission") else path


def fields_of(html: str, form: str = "form[method=post]") -> dict[str, Any]:
    """Return what a browser would send of a form (a CSS selector) as the page shows it."""
    page = LexborHTMLParser(html)
    shown = page.css_first(form)
    assert shown is not None, f"no {form}"
    found: dict[str, Any] = {}
    outside = page.css(f'[form="{shown.id}"]') if shown.id else []
    for field in [*shown.css("input, textarea, select"), *outside]:
        name, kind = field.attributes.get("name"), field.attributes.get("type") or "text"
        if not name or kind in {"submit", "button", "file"} or field.tag == "button":
            continue
        value: str | None = field.attributes.get("value") or ""
        if kind in {"checkbox", "radio"} and "checked" not in field.attributes:
            continue
        if kind in {"checkbox", "radio"}:
            value = field.attributes.get("value") or "on"
        if field.tag == "textarea":
            value = field.text()
        if field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            value = (chosen.attributes.get("value") or "") if chosen else ""
        found.setdefault(name, []).append(value)
    return found
