"""How programs prove who they are: ``Authorization: Bearer warta_…``, one workspace per key."""

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from accounts.models import ApiKey, Workspace
from accounts.roles import Permission, may
from accounts.team import api_keys
from accounts.workspaces import zones


class KeyAuth(HttpBearer):
    """Accepts working keys; the key lands in ``request.auth``."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:  # noqa: ARG002
        """Return the key's row, or None: then the answer is 401."""
        return api_keys.find(token)


def workspace_of(request: HttpRequest, permission: Permission) -> Workspace:
    """Return the key's workspace; times in sentences are by its clock from here on.

    Raises:
        HttpError: 403, the key's role doesn't allow this.
    """
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # set by KeyAuth
    if not may(key.role, permission):
        raise HttpError(403, f"This key is {key.role}: it may not do this.")
    zones.activate(workspace=key.workspace)
    return key.workspace
