"""Making workspaces, finding them by their slug, and remembering the one used last."""

from collections.abc import Iterable

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import FormerSlug, Membership, User, Workspace
from accounts.roles import Role
from accounts.workspaces.workspace_urls import RESERVED_WORDS, first_parts

WORKSPACE_KEY = "workspace"  # in the session: the id of the one used last
SLUG_LOCK = 0x736C7567  # PostgreSQL's advisory lock around giving slugs away: "slug"

# Apps above equip a new workspace (starter templates, a sandbox) without being imported here.
workspace_created = Signal()  # sender: Workspace; keyword: workspace


def with_slug(slug: str) -> Q:
    """Return the condition "has or had this slug" for workspaces; slugs are never given twice."""
    return Q(slug=slug) | Q(former_slugs__slug=slug)


def find(slug: str) -> Workspace | None:
    """Return the workspace that has this slug, or had it."""
    return Workspace.objects.filter(with_slug(slug)).distinct().first()


def is_taken(slug: str, *, by_other_than: Workspace | None = None) -> bool:
    """Say whether a workspace (other than this one) has or had this slug."""
    others = Workspace.objects.all()
    if by_other_than is not None and by_other_than.pk:
        others = others.exclude(pk=by_other_than.pk)
    return others.filter(with_slug(slug)).exists()


def free_slug(name: str) -> str:
    """Return a slug for this name that no workspace has or had, and no page of ours begins with."""
    base = slugify(name)[:50].strip("-_") or "workspace"
    slug, number = base, 2
    while slug in RESERVED_WORDS or slug in first_parts() or is_taken(slug):
        slug, number = f"{base}-{number}", number + 1
    return slug


@transaction.atomic
def create(name: str, *, owner: User, slug: str = "", **fields: object) -> Workspace:
    """Make a workspace with its first owner, and let the other apps equip it."""
    lock_slugs()
    workspace = Workspace.objects.create(name=name, slug=slug or free_slug(name), **fields)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    workspace_created.send(Workspace, workspace=workspace)
    return workspace


def change_slug(workspace: Workspace, *, slug: str) -> bool:
    """Give a workspace another slug; the old one still leads to it. False: it is somebody's.

    To be called in a transaction.
    """
    lock_slugs()
    before = Workspace.objects.values_list("slug", flat=True).get(pk=workspace.pk)
    if slug == before:
        return True
    if is_taken(slug, by_other_than=workspace):
        return False
    Workspace.objects.filter(pk=workspace.pk).update(slug=slug)
    FormerSlug.objects.filter(workspace=workspace, slug=slug).delete()
    FormerSlug.objects.create(workspace=workspace, slug=before)
    workspace.slug = slug
    return True


def lock_slugs() -> None:
    """Let no other transaction give slugs away until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SLUG_LOCK])


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


def last_used(request: HttpRequest) -> Membership | None:
    """Return the user's membership of the workspace used last, else their first; None: of none."""
    memberships = (
        Membership.objects.filter(user_id=request.user.pk or 0)
        .select_related("workspace")
        .order_by("workspace__name", "id")
    )
    chosen = request.session.get(WORKSPACE_KEY)
    last = memberships.filter(workspace_id=chosen).first() if chosen is not None else None
    return last or memberships.first()


def remember(request: HttpRequest, workspace: Workspace) -> None:
    """Note this workspace as the one used last."""
    if request.session.get(WORKSPACE_KEY) != workspace.pk:
        request.session[WORKSPACE_KEY] = workspace.pk
