"""Making one person of two, by a member's decision. It can't be undone.

What becomes of each part:

- Profile and fields: the member chooses whose value stays, field by field.
- Subscriptions: each list once. Who has left it has left it, unless the other one came to the list
  by their own act later. What only the other address agreed to must be confirmed anew on double
  opt-in lists, if the two are not one mailbox.
- Consent history: both, word for word. Tags: both.
- Suppressions: each address keeps its own; a wish of the person (unsubscribed from everything,
  reported as spam, added by a member) holds for the address that stays, too.
- How often: the calmer wish of the two, and the longer pause. What was noticed about an address
  belongs to the address. Sign-ups that are held go on with the address that stays.
- Letters, and what was done with them: apps above move them (`register`); the old
  key still leads to the person (`successor`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from subscribers.consent import ledger, suppression
from subscribers.consent.ledger import Evidence
from subscribers.models import (
    BulkChange,
    ConsentEvent,
    ImportChange,
    MailingList,
    MergedPerson,
    SignupRequest,
    Subscriber,
    Subscription,
    Tagging,
)
from subscribers.people import duplicates, people
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus, SuppressionReason

PROFILE = ("first_name", "last_name", "language", "time_zone")
JOINING = (ConsentKind.CONFIRMED, ConsentKind.SUBSCRIBED, ConsentKind.RESUBSCRIBED)
WISHES = (
    SuppressionReason.UNSUBSCRIBED,
    SuppressionReason.COMPLAINED,
    SuppressionReason.MANUAL,
)
UNION_TAGS = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id, created_at)
SELECT tag_id, %(keep)s, created_at FROM subscribers_tagging WHERE subscriber_id = %(away)s
ON CONFLICT (tag_id, subscriber_id) DO NOTHING
"""
Mover = Callable[[int, int], None]  # (who stays, who goes): keys
_movers: dict[str, Mover] = {}


def register(name: str, mover: Mover) -> None:
    """Let an app above take its own rows along; called inside the transaction of a merge."""
    _movers[name] = mover


class MergeError(ValueError):
    """These two can't be merged (any more)."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two people of one workspace, and what stays of whom.

    ``theirs`` names what is taken from the one who goes: names of `PROFILE`, and ``field:<key>``.
    """

    keep: Subscriber
    away: Subscriber
    theirs: frozenset[str] = frozenset()


def differing(keep: Subscriber, away: Subscriber) -> list[tuple[str, Any, Any]]:
    """Return what the two have different values of: (name, of who stays, of who goes)."""
    rows = [(name, getattr(keep, name), getattr(away, name)) for name in PROFILE]
    keys = sorted({*keep.fields, *away.fields})
    rows += [(f"field:{key}", keep.fields.get(key), away.fields.get(key)) for key in keys]
    return [(name, mine, theirs) for name, mine, theirs in rows if mine != theirs]


def merge(pair: Pair, *, actor: User | None) -> Subscriber:
    """Make one person of two; returns the one who stays.

    Raises:
        MergeError: one of the two is gone, or they are one, or of two workspaces.
    """
    with transaction.atomic():
        keep, away = _lock(pair)
        same_mailbox = duplicates.mailbox(keep.email_key) == duplicates.mailbox(away.email_key)
        evidence = Evidence(
            source=ConsentSource.MANUAL, actor=actor, detail=f"merged with {away.email}"
        )
        _subscriptions(keep, away, evidence, same_mailbox=same_mailbox)
        _suppressions(keep, away, actor, same_mailbox=same_mailbox)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('warta.merging', 'on', true)")
            ConsentEvent.objects.filter(subscriber=away).update(subscriber=keep)
            cursor.execute("SELECT set_config('warta.merging', '', true)")
            cursor.execute(UNION_TAGS, {"keep": keep.pk, "away": away.pk})
        Tagging.objects.filter(subscriber=away).delete()
        for model in (ImportChange, BulkChange):
            model._default_manager.filter(subscriber=away).delete()  # noqa: SLF001 - Django's public name for it
        for move in _movers.values():
            move(keep.pk, away.pk)
        MergedPerson.objects.filter(into=away).update(into=keep)
        Subscriber.objects.filter(pk=away.pk).delete()
        MergedPerson.objects.create(
            id=away.pk, workspace=keep.workspace, into=keep, email=away.email, merged_by=actor
        )
        people.change(keep, **_values(keep, away, pair.theirs))
        # Sign-ups that wait for a member ask at the address that stays; it confirms for itself.
        held = SignupRequest.objects.filter(workspace=keep.workspace, email__iexact=away.email_key)
        held.exclude(held_for="").update(email=keep.email)
        duplicates.forget([away.pk])
    return keep


def successor(workspace_id: int, subscriber_id: int) -> Subscriber | None:
    """Return whom a person became part of; None: nobody by this key was merged here."""
    row = (
        MergedPerson.objects.filter(workspace_id=workspace_id, pk=subscriber_id)
        .select_related("into")
        .first()
    )
    return row.into if row else None


def keys_of(person: Subscriber) -> list[int]:
    """Return the keys under which a person's letters stand: their own and former ones."""
    return [person.pk, *MergedPerson.objects.filter(into=person).values_list("pk", flat=True)]


def _lock(pair: Pair) -> tuple[Subscriber, Subscriber]:
    wanted = [pair.keep.pk, pair.away.pk]
    rows = {
        row.pk: row
        for row in Subscriber.objects.select_for_update(of=("self",))
        .filter(pk__in=wanted, workspace_id=pair.keep.workspace_id)
        .select_related("workspace")
        .order_by("pk")
    }
    if len(rows) != len(wanted):
        raise MergeError
    return rows[pair.keep.pk], rows[pair.away.pk]


def _values(keep: Subscriber, away: Subscriber, theirs: frozenset[str]) -> dict[str, Any]:
    """Return what the person has from now on; an empty value never wins over a filled one."""
    values: dict[str, Any] = {
        name: getattr(away, name)
        for name in PROFILE
        if getattr(away, name) and (name in theirs or not getattr(keep, name))
    }
    fields = {**away.fields, **keep.fields}
    fields |= {key: value for key, value in away.fields.items() if f"field:{key}" in theirs}
    pauses = [until for until in (keep.paused_until, away.paused_until) if until]
    return {
        **values,
        "fields": fields,
        "frequency": max(keep.frequency, away.frequency),
        "paused_until": max(pauses, default=None),
        "created_at": min(keep.created_at, away.created_at),
    }


def _subscriptions(
    keep: Subscriber, away: Subscriber, evidence: Evidence, *, same_mailbox: bool
) -> None:
    out = suppression.is_out(keep) or suppression.is_out(away)  # of everything: of this list, too
    mine = {row.list_id: row for row in Subscription.objects.filter(subscriber=keep)}
    for theirs in Subscription.objects.filter(subscriber=away).select_related("list"):
        own = mine.get(theirs.list_id)
        status, changed_at = SubscriptionStatus(theirs.status), theirs.changed_at
        if own is not None:
            status = _decide(own, theirs)
            changed_at = own.changed_at if status == own.status else theirs.changed_at
        if status == SubscriptionStatus.SUBSCRIBED and out and status != (own and own.status):
            status, changed_at = SubscriptionStatus.UNSUBSCRIBED, timezone.now()
        only_theirs = own is None or own.status != SubscriptionStatus.SUBSCRIBED
        double = theirs.list.opt_in == MailingList.OptIn.DOUBLE
        joins = status == SubscriptionStatus.SUBSCRIBED
        if must_confirm := joins and only_theirs and double and not same_mailbox:
            status, changed_at = SubscriptionStatus.UNCONFIRMED, timezone.now()
        before = own.status if own else theirs.status
        Subscription.objects.filter(pk=theirs.pk).delete()
        Subscription.objects.update_or_create(
            list_id=theirs.list_id,
            subscriber=keep,
            defaults={"workspace": keep.workspace, "status": status, "changed_at": changed_at},
        )
        if status != before or must_confirm:  # their agreement is in the history, too
            _note(keep, theirs.list_id, status, evidence)


def _decide(own: Subscription, theirs: Subscription) -> SubscriptionStatus:
    """Say which status holds: who left has left, unless the other joined by their own act later."""
    left = SubscriptionStatus.UNSUBSCRIBED
    gone_at = {row.subscriber_id: _left_at(row) for row in (own, theirs)}
    if not any(gone_at.values()):
        joined = SubscriptionStatus.SUBSCRIBED
        return joined if joined in (own.status, theirs.status) else SubscriptionStatus(own.status)
    gone, other = (own, theirs) if gone_at[own.subscriber_id] else (theirs, own)
    if other.status != SubscriptionStatus.SUBSCRIBED:
        return left if left in (own.status, theirs.status) else SubscriptionStatus(own.status)
    came_later = ConsentEvent.objects.filter(
        subscriber_id=other.subscriber_id,
        list_id=other.list_id,
        kind__in=JOINING,
        source__in=ledger.OWN_ACTS,
        at__gt=gone_at[gone.subscriber_id],
    ).exists()
    return SubscriptionStatus.SUBSCRIBED if came_later else SubscriptionStatus(gone.status)


def _left_at(row: Subscription) -> datetime | None:
    """Return when the person left the list, also if somebody has asked them since; None: not."""
    if row.status == SubscriptionStatus.UNSUBSCRIBED:
        return row.changed_at
    asked = row.status == SubscriptionStatus.UNCONFIRMED
    if not asked or not ledger.had_left(row.subscriber_id, row.list_id):
        return None
    events = ConsentEvent.objects.filter(
        subscriber_id=row.subscriber_id, list_id=row.list_id, kind=ConsentKind.UNSUBSCRIBED
    )
    return events.latest("at").at


def _note(keep: Subscriber, list_id: int, status: SubscriptionStatus, evidence: Evidence) -> None:
    kinds = {
        SubscriptionStatus.UNSUBSCRIBED: ConsentKind.UNSUBSCRIBED,
        SubscriptionStatus.UNCONFIRMED: ConsentKind.ASKED,
        SubscriptionStatus.SUBSCRIBED: ConsentKind.SUBSCRIBED,
    }
    ledger.record(keep, kind=kinds[status], lists=[list_id], evidence=evidence)


def _suppressions(
    keep: Subscriber, away: Subscriber, actor: User | None, *, same_mailbox: bool
) -> None:
    known = suppression.about(keep.workspace_id, address_hash=bytes(away.address_hash))
    row = known.first()
    if row and (row.reason in WISHES or same_mailbox):
        suppression.insert(
            keep.workspace,
            keys=[keep.email_key],
            reason=SuppressionReason(row.reason),
            detail=row.detail,
            actor=actor,
        )


def decode(names: Mapping[str, str]) -> frozenset[str]:
    """Read a form's answers ``take-<name>: theirs`` into `Pair.theirs`."""
    return frozenset(
        name.removeprefix("take-")
        for name, answer in names.items()
        if name.startswith("take-") and answer == "theirs"
    )
