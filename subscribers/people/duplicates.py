"""Finding people who may be one person. They are shown, never merged by themselves.

Two people can't have one address in two letter cases: `Subscriber.email_key` is unique. What can be
one mailbox under two addresses: plus-tags (anna+news@…), and at Gmail dots and googlemail.com. The
same full name at the same company is a weaker hint; at large providers it is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Workspace
from subscribers.models import DuplicateGroup, DuplicateSearch, Subscriber
from subscribers.states import DuplicateKind

PAGE = 25
LONGEST_SEARCH = timedelta(minutes=10)  # then its worker has died
LOST_AFTER = timedelta(seconds=30)  # then perhaps nobody was woken
_ROOM = 7_264  # of advisory locks, this module's own
GMAIL = frozenset({"gmail.com", "googlemail.com"})
# A group beyond this is a shared box or a test, not one person.
LARGEST = {DuplicateKind.ADDRESS: 20, DuplicateKind.NAME: 4}
WORK_MEMORY = "SET LOCAL work_mem = '128MB'"
ADDRESSES = """
SELECT id, COALESCE(NULLIF(CASE WHEN domain IN ('gmail.com', 'googlemail.com')
        THEN replace(split_part(local, '+', 1), '.', '')
        ELSE split_part(local, '+', 1) END, ''), local)
    || '@' || CASE domain WHEN 'googlemail.com' THEN 'gmail.com' ELSE domain END AS shared
FROM (
    SELECT id, split_part(email_key, '@', 1) AS local, split_part(email_key, '@', 2) AS domain
    FROM subscribers_subscriber WHERE workspace_id = %(workspace)s
) parts
"""
NAMES = """
SELECT id, lower(first_name || ' ' || last_name) || ' @ ' || split_part(email_key, '@', 2) AS shared
FROM subscribers_subscriber
WHERE workspace_id = %(workspace)s AND first_name <> '' AND last_name <> '' AND domain_group = 0
"""
# A group that was told apart stays so until somebody joins it.
STORE = """
INSERT INTO subscribers_duplicategroup AS known (workspace_id, kind, shared, people, found_at)
SELECT %(workspace)s, %(kind)s, shared, array_agg(id ORDER BY id), %(at)s
FROM ({people}) keyed
GROUP BY shared HAVING count(*) BETWEEN 2 AND %(largest)s
ON CONFLICT (workspace_id, kind, shared) DO UPDATE SET
    people = EXCLUDED.people, found_at = EXCLUDED.found_at,
    dismissed_at = CASE WHEN known.people @> EXCLUDED.people THEN known.dismissed_at END
"""


@dataclass(frozen=True, kw_only=True)
class LikelyDuplicates:
    """People who may be one, oldest first."""

    group: DuplicateGroup
    people: tuple[Subscriber, ...]


def mailbox(email_key: str) -> str:
    """Return the mailbox that an address most likely leads to, as `ADDRESSES` does."""
    local, _at, domain = email_key.rpartition("@")
    bare = local.partition("+")[0]
    if domain in GMAIL:
        bare, domain = bare.replace(".", ""), "gmail.com"
    return f"{bare or local}@{domain}"


def begin(workspace: Workspace) -> bool:
    """Say that a search begins; False when one is under way (for at most ten minutes)."""
    now = timezone.now()
    with transaction.atomic():
        row, _new = DuplicateSearch.objects.select_for_update().get_or_create(workspace=workspace)
        begun, ended = row.started_at, row.finished_at
        if begun and (ended is None or ended < begun) and now - begun < LONGEST_SEARCH:
            return False
        row.started_at = now
        row.save(update_fields=["started_at"])
    return True


def unfinished() -> list[int]:
    """Return the workspaces whose search was begun a while ago and has not ended."""
    now = timezone.now()
    begun = DuplicateSearch.objects.filter(
        started_at__gt=now - LONGEST_SEARCH, started_at__lt=now - LOST_AFTER
    )
    left = begun.filter(Q(finished_at=None) | Q(finished_at__lt=F("started_at")))
    return list(left.values_list("workspace_id", flat=True))


def search(workspace: Workspace) -> int:
    """Find the groups of a workspace anew; returns how many there are that nobody told apart.

    Finds nothing new while another process searches the same workspace.
    """
    at = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_ROOM, workspace.pk % 2**31])
        if not cursor.fetchone()[0]:
            return count(workspace)
        cursor.execute(WORK_MEMORY)
        for kind, statement in ((DuplicateKind.ADDRESS, ADDRESSES), (DuplicateKind.NAME, NAMES)):
            cursor.execute(
                STORE.replace("{people}", statement),
                {
                    "workspace": workspace.pk,
                    "kind": kind,
                    "at": at,
                    "largest": LARGEST[kind],
                },
            )
        DuplicateGroup.objects.filter(workspace=workspace, found_at__lt=at).delete()
        DuplicateSearch.objects.update_or_create(
            workspace=workspace, defaults={"finished_at": timezone.now()}
        )
    return DuplicateGroup.objects.filter(workspace=workspace, dismissed_at=None).count()


def count(workspace: Workspace) -> int:
    """Return how many groups are to be looked at."""
    return DuplicateGroup.objects.filter(workspace=workspace, dismissed_at=None).count()


def page(
    workspace: Workspace, *, kind: str = "", after: int = 0
) -> tuple[list[LikelyDuplicates], int | None]:
    """Return groups, strong hints (one mailbox) first, and the last one's key if there are more."""
    groups = DuplicateGroup.objects.filter(workspace=workspace, dismissed_at=None)
    last = groups.filter(pk=after).first() if after else None
    if last:
        groups = groups.filter(Q(kind__gt=last.kind) | Q(kind=last.kind, pk__gt=last.pk))
    elif after:
        groups = groups.filter(pk__gt=after)
    if kind in DuplicateKind.values:
        groups = groups.filter(kind=kind)
    rows = list(groups.order_by("kind", "pk")[: PAGE + 1])
    shown = rows[:PAGE]
    keys = {key for row in shown for key in row.people}
    people = Subscriber.objects.filter(workspace=workspace).in_bulk(keys)
    found = [
        LikelyDuplicates(
            group=row, people=tuple(people[key] for key in row.people if key in people)
        )
        for row in shown
    ]
    more = shown[-1].pk if len(rows) > PAGE else None
    return [one for one in found if len(one.people) > 1], more


def tell_apart(workspace: Workspace, *, group_id: int) -> bool:
    """Note that these are different people, so that they are not shown again."""
    groups = DuplicateGroup.objects.filter(workspace=workspace, pk=group_id, dismissed_at=None)
    return bool(groups.update(dismissed_at=timezone.now()))


def forget(people: Sequence[int]) -> None:
    """Take people who are no more out of every group."""
    for group in DuplicateGroup.objects.filter(people__overlap=list(people)):
        left = [key for key in group.people if key not in people]
        if len(left) > 1:
            DuplicateGroup.objects.filter(pk=group.pk).update(people=left)
        else:
            group.delete()
