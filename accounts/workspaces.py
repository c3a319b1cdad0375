"""Making workspaces, and choosing the one in use."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Membership, User, Workspace
from accounts.roles import Role

WORKSPACE_KEY = "workspace"  # in the session

# Rooms above furnish a new workspace (starter templates, a sandbox) without being imported here.
workspace_created = Signal()  # sender: Workspace; keyword: workspace


def free_slug(name: str) -> str:
    """Return a slug for this name that no workspace has yet."""
    base = slugify(name)[:50] or "workspace"
    slug, number = base, 2
    while Workspace.objects.filter(slug=slug).exists():
        slug, number = f"{base}-{number}", number + 1
    return slug


@transaction.atomic
def create(name: str, *, owner: User, slug: str = "", **fields: object) -> Workspace:
    """Make a workspace with its first owner, and let the other rooms furnish it."""
    workspace = Workspace.objects.create(name=name, slug=slug or free_slug(name), **fields)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    workspace_created.send(Workspace, workspace=workspace)
    return workspace


def may_create(user: User, *, memberships: Iterable[Membership] | None = None) -> bool:
    """Say whether somebody may make further workspaces.

    Administrators of the installation and owners of a workspace may; with the setting
    ANYBODY_MAKES_WORKSPACES everybody who is signed in. ``memberships`` are the user's, if known.
    """
    if settings.ANYBODY_MAKES_WORKSPACES or user.is_staff:
        return True
    if memberships is None:
        memberships = Membership.objects.filter(user=user, role=Role.OWNER)
    return any(one.role == Role.OWNER for one in memberships)


@transaction.atomic
def close(workspace: Workspace) -> bool:
    """Let nobody into a workspace any more; its rows are removed later. False: it is closed."""
    closed = Workspace.objects.filter(pk=workspace.pk, deleted_at=None).update(
        deleted_at=timezone.now()
    )
    if closed:
        workspace.memberships.all().delete()
        workspace.invitations.all().delete()
        workspace.api_keys.all().delete()
    return bool(closed)


def use(request: HttpRequest, workspace: Workspace) -> None:
    """Make this the workspace that the user's pages show."""
    request.session[WORKSPACE_KEY] = workspace.pk
