"""Keys for programs: shown once, stored as a hash, bound to a workspace and a role."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from accounts.models import ApiKey, User, Workspace
from accounts.roles import Role, covers

PREFIX = "warta_"
NOTED_EVERY = timedelta(minutes=5)


def _hash(key: str) -> str:
    # The key is 256 random bits, so a plain hash can't be reversed by guessing.
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def create(workspace: Workspace, *, name: str, role: str, by: User) -> str:
    """Make a key and return it; this is the only time it can be seen."""
    key = PREFIX + secrets.token_urlsafe(32)
    ApiKey.objects.create(
        workspace=workspace,
        name=name,
        role=role,
        key_hash=_hash(key),
        hint=key[: len(PREFIX) + 4],
        created_by=by,
    )
    return key


def find(key: str) -> ApiKey | None:
    """Return the working key of this value, and note that it was used.

    A key may do no more than the member who made it may do now, in whatever way they lost rights.
    """
    found = (
        ApiKey.objects.select_related("workspace")
        .filter(
            key_hash=_hash(key),
            revoked_at=None,
            created_by__is_active=True,
            created_by__memberships__workspace_id=F("workspace_id"),
        )
        .annotate(makers_role=F("created_by__memberships__role"))
        .first()
    )
    if found is None or not covers(found.makers_role, found.role):
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at > NOTED_EVERY:
        ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


def revoke(workspace: Workspace, *, key_id: int) -> bool:
    """End a key for good; False when it is not the workspace's or already ended."""
    keys = ApiKey.objects.filter(workspace=workspace, pk=key_id, revoked_at=None)
    return bool(keys.update(revoked_at=timezone.now()))


def revoke_made_by(workspace: Workspace, user: User, *, beyond: str = "") -> int:
    """End the keys that a member made, all or those that may do more than the role ``beyond``.

    Returns how many end. Who has copied a key still has it when they are gone.
    """
    keys = ApiKey.objects.filter(workspace=workspace, created_by=user, revoked_at=None)
    if beyond:
        keys = keys.filter(role__in=[role for role in Role if not covers(beyond, role)])
    return keys.update(revoked_at=timezone.now())
