"""A signed-in member's browser."""

from typing import Any

from django.test import Client
from django.urls import Resolver404, resolve

from accounts.models import User, Workspace


class MemberClient(Client):
    """Takes ``/campaigns/`` as that page of the user's first workspace, as a link there would be.

    Addresses that name a workspace, and those of pages that belong to none, are taken as they are.
    """

    slug = ""

    def force_login(self, user: User, backend: str | None = None) -> None:  # type: ignore[override]
        """Sign somebody in, without asking for a password."""
        super().force_login(user, backend)
        first = Workspace.objects.filter(members=user).order_by("name", "id").first()
        self.slug = first.slug if first else ""

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        """Ask for an address, in the workspace if it needs one."""
        return super().generic(method, self._in_workspace(path), *args, **kwargs)

    def _in_workspace(self, path: str) -> str:
        try:
            found = resolve(path.partition("?")[0])
        except Resolver404:
            return path
        return f"/{self.slug}{path}" if self.slug and hasattr(found.func, "permission") else path
