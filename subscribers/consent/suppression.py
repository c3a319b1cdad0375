"""Addresses that a workspace must not write to, told apart by keyed hash.

A suppression outlives its person: after an erasure only the hash is left. Planning and claiming
match `Subscriber.address_hash` against it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, OuterRef, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import User, Workspace
from subscribers.addresses import addresses
from subscribers.fields.problems import Problem
from subscribers.models import Subscriber, Suppression, SuppressionTally
from subscribers.states import SuppressionReason

# A member allowed addresses again: ``workspace_id`` and ``keys``, inside the transaction.
released = Signal()
LONGEST_DETAIL = 300
ROWS_A_PAGE = 50
MOST_FOUND = 1_000  # of addresses that begin alike, found by their beginning
WISHES = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINED)  # of the person
THE_PERSONS = (*WISHES, SuppressionReason.ERASED)  # nobody else's to take back
BY_STRENGTH = (
    SuppressionReason.MANUAL,
    SuppressionReason.IMPORTED,
    SuppressionReason.BOUNCED,
    *THE_PERSONS,
)
# SQL: what becomes of an address (``current``) that is suppressed for another reason already. A
# person's wish goes before a weaker reason, which is kept below it.
UPGRADE = """DO UPDATE SET reason = EXCLUDED.reason,
    former = CASE current.former WHEN '' THEN current.reason ELSE current.former END
WHERE EXCLUDED.reason = ANY(%(wishes)s)
    AND array_position(%(by_strength)s, EXCLUDED.reason::text)
        > array_position(%(by_strength)s, current.reason::text)"""
STRENGTHS = {
    "wishes": [one.value for one in WISHES],
    "by_strength": [one.value for one in BY_STRENGTH],
}


def inserting(rows: str, *, known: str = UPGRADE) -> str:
    """Return the SQL that suppresses addresses: everybody who does builds their statement of it.

    ``rows``: a SELECT of workspace, hash, key, reason, detail, who did it (bigint) and since when.
    ``known``: what becomes of one that is suppressed already, the row ``current``; `UPGRADE` takes
    the parameters `STRENGTHS`.
    """
    return f"""
INSERT INTO subscribers_suppression AS current
    (workspace_id, address_hash, email_key, reason, detail, created_by_id, created_at)
{rows}
ON CONFLICT (workspace_id, address_hash) {known}"""


INSERT = inserting("""
SELECT DISTINCT ON (address.hash) %(workspace)s, address.hash, address.key, %(reason)s,
    %(detail)s, %(actor)s::bigint, %(at)s::timestamptz
FROM unnest(%(hashes)s::bytea[], %(keys)s::text[]) AS address (hash, key)
ORDER BY address.hash
""")
# Of an erased person nothing stays but the hash, whatever was known of the address before.
BAR = inserting(
    """
SELECT %(workspace)s, %(hash)s::bytea, '', %(reason)s, '', %(actor)s::bigint, %(at)s::timestamptz
""",
    known="""DO UPDATE SET email_key = '', reason = EXCLUDED.reason, former = '', detail = '',
    created_by_id = EXCLUDED.created_by_id, created_at = EXCLUDED.created_at""",
)


def of(person: str) -> str:
    """Return an SQL condition: the row ``suppression`` is about ``person``, a row's name.

    By the keyed hash alone: of somebody who was erased nothing else is left.
    """
    return (
        f"suppression.workspace_id = {person}.workspace_id"
        f" AND suppression.address_hash = {person}.address_hash"
    )


def holds(person: str, *reasons: SuppressionReason) -> str:
    """Return an SQL condition: ``person``, a row's name, is suppressed (for one of ``reasons``)."""
    only = ", ".join(f"'{reason.value}'" for reason in reasons)
    return f"""EXISTS (
    SELECT FROM subscribers_suppression AS suppression
    WHERE {of(person)}{f" AND suppression.reason IN ({only})" if only else ""}
)"""


def about(workspace_id: int, *, address_hash: bytes | OuterRef) -> QuerySet[Suppression]:
    """Return what is suppressed of an address, one row or none, for a query of Django's."""
    return Suppression.objects.filter(workspace_id=workspace_id, address_hash=address_hash)


@dataclass(frozen=True, kw_only=True)
class BulkOutcome:
    """What became of a pasted list of addresses."""

    added: int
    known: int  # suppressed before, left as they were
    invalid: tuple[tuple[str, Problem], ...]  # (what was given, why not)


def hash_of(workspace: Workspace, *, email: str) -> bytes:
    """Return the keyed hash of an address in this workspace; raises Problem as `normalise`."""
    return addresses.address_hash(addresses.key(email), secret=bytes(workspace.address_key))


def suppress(
    workspace: Workspace,
    *,
    email: str,
    reason: SuppressionReason,
    detail: str = "",
    actor: User | None = None,
) -> bool:
    """Never write to this address again; False when it was suppressed already.

    What it was suppressed for stays, unless this is a stronger wish of the person (`UPGRADE`).

    Raises:
        Problem: what was given can't be an address.
    """
    key = addresses.key(email)
    return insert(workspace, keys=[key], reason=reason, detail=detail, actor=actor) == 1


def suppress_many(
    workspace: Workspace,
    *,
    emails: Iterable[str],
    reason: SuppressionReason = SuppressionReason.MANUAL,
    detail: str = "",
    actor: User | None = None,
) -> BulkOutcome:
    """Suppress many addresses in one statement; what is no address is reported, not dropped."""
    keys: dict[str, None] = {}
    invalid: list[tuple[str, Problem]] = []
    for given in emails:
        try:
            keys[addresses.key(given)] = None
        except Problem as problem:
            invalid.append((given, problem))
    added = insert(workspace, keys=list(keys), reason=reason, detail=detail, actor=actor)
    return BulkOutcome(added=added, known=len(keys) - added, invalid=tuple(invalid))


def insert(
    workspace: Workspace,
    *,
    keys: Sequence[str],
    reason: SuppressionReason,
    detail: str = "",
    actor: User | None = None,
) -> int:
    """Suppress addresses given by their keys; returns how many were not, or only for less."""
    secret = bytes(workspace.address_key)
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "workspace": workspace.pk,
                "hashes": [addresses.address_hash(key, secret=secret) for key in keys],
                "keys": list(keys),
                "reason": reason,
                "detail": detail[:LONGEST_DETAIL],
                "actor": actor.pk if actor else None,
                "at": timezone.now(),
                **STRENGTHS,
            },
        )
        return int(cursor.rowcount)


def bar(workspace: Workspace, *, email_key: str, actor: User | None) -> None:
    """Suppress the address of somebody who was erased; only its hash is kept."""
    secret = bytes(workspace.address_key)
    with connection.cursor() as cursor:
        cursor.execute(
            BAR,
            {
                "workspace": workspace.pk,
                "hash": addresses.address_hash(email_key, secret=secret),
                "reason": SuppressionReason.ERASED,
                "actor": actor.pk if actor else None,
                "at": timezone.now(),
            },
        )


@dataclass(frozen=True, kw_only=True)
class SuppressionPage:
    """Suppressed addresses, newest first; ``older`` leads to the page after it (None: none)."""

    rows: list[Suppression]
    older: int | None


def page(
    workspace: Workspace, *, reason: str = "", search: str = "", before: int | None = None
) -> SuppressionPage:
    """Return one page of the list by key.

    A whole address is looked up by its hash, so that an erased one is found, too; else by the
    beginning of an address, which an index serves, and only then by a part of one.
    """
    rows = Suppression.objects.filter(workspace=workspace).select_related("created_by")
    if reason:
        rows = rows.filter(reason=reason)
    if search:
        rows = _found(workspace, rows, search.lower())
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: ROWS_A_PAGE + 1])
    return SuppressionPage(
        rows=found[:ROWS_A_PAGE],
        older=found[ROWS_A_PAGE - 1].pk if len(found) > ROWS_A_PAGE else None,
    )


def _found(workspace: Workspace, rows: QuerySet[Suppression], search: str) -> QuerySet[Suppression]:
    try:
        exact = rows.filter(address_hash=hash_of(workspace, email=search))
    except Problem:
        pass
    else:
        if exact.exists():
            return exact
    # The key is compared by bytes, so all that begins like this lies between two keys.
    beginning = rows.filter(email_key__gte=search, email_key__lt=f"{search}\U0010ffff")
    keys = list(beginning.order_by("email_key").values_list("pk", flat=True)[:MOST_FOUND])
    return rows.filter(pk__in=keys) if keys else rows.filter(email_key__contains=search)


def counts(workspace: Workspace) -> dict[str, int]:
    """Return how many addresses are suppressed for each reason, none left out."""
    found = dict(
        SuppressionTally.objects.filter(workspace=workspace).values_list("reason", "count")
    )
    return {str(one): found.get(str(one), 0) for one in SuppressionReason}


def release(workspace: Workspace, *, suppression_id: int) -> bool:
    """Allow an address again; the caller has warned and checked who asks. True: it was there."""
    with transaction.atomic():
        rows = Suppression.objects.filter(workspace=workspace, pk=suppression_id)
        keys = list(rows.values_list("email_key", flat=True))
        deleted, _ = rows.delete()
        if deleted:
            released.send(Suppression, workspace_id=workspace.pk, keys=keys)
    return deleted > 0


def withdraw(
    workspace_id: int,
    *,
    keys: Iterable[str],
    reason: SuppressionReason,
    since: datetime | None = None,
) -> set[str]:
    """Take suppressions for one reason back (made since a moment); returns whose, by their keys.

    What stood there for another reason, or was put above this one, stays.
    """
    rows = Suppression.objects.filter(
        workspace_id=workspace_id, email_key__in=list(keys), reason=reason
    )
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    found = dict(rows.values_list("pk", "email_key"))
    Suppression.objects.filter(pk__in=list(found)).delete()
    return set(found.values())


def release_own_wish(workspace_id: int, *, address_hash: bytes) -> bool:
    """Lift "unsubscribed from everything" when the person joins again by their own act.

    Bounces, complaints and what members added stay, also where the wish was put above them.
    """
    own = about(workspace_id, address_hash=address_hash)
    rows = own.filter(reason=SuppressionReason.UNSUBSCRIBED)
    if rows.exclude(former="").update(reason=F("former"), former=""):
        return True
    deleted, _ = rows.delete()
    return deleted > 0


def reason_of(workspace_id: int, *, address_hash: bytes) -> str | None:
    """Say why an address must not be written to; None: it may be."""
    found = about(workspace_id, address_hash=address_hash)
    return found.values_list("reason", flat=True).first()


def is_out(subscriber: Subscriber) -> bool:
    """Say whether a person has unsubscribed from everything, so that only they may come back."""
    reason = reason_of(subscriber.workspace_id, address_hash=bytes(subscriber.address_hash))
    return reason == SuppressionReason.UNSUBSCRIBED


def is_erased(workspace: Workspace, *, email: str) -> bool:
    """Say whether somebody with this address was erased, so that nobody enters it again unawares.

    Raises:
        Problem: what was given can't be an address.
    """
    digest = hash_of(workspace, email=email)
    return reason_of(workspace.pk, address_hash=digest) == SuppressionReason.ERASED


def is_suppressed(workspace: Workspace, *, email: str) -> bool:
    """Say whether we must not write to an address; what is no address counts as suppressed."""
    try:
        digest = hash_of(workspace, email=email)
    except Problem:
        return True
    return about(workspace.pk, address_hash=digest).exists()
