"""A subscription's life: asked, confirmed, subscribed, left, back again.

Each step is one statement that moves the status only from where it may come (`states.TRANSITIONS`)
and says whether it did; the consent event is written in the same transaction, and only then. So
two clicks at once leave one event. Where the person's own act changes nothing, because somebody
else has put them there, one event says that they wished it, too (`REPEAT`). All take
`consent.Evidence` as keyword arguments.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Unpack

from django.db import connection, transaction
from django.utils import timezone

from subscribers.consent import ledger, suppression
from subscribers.consent.ledger import Evidence
from subscribers.models import MailingList, Subscriber, Subscription
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason

# The person's row is locked against erasure meanwhile, and a list of another workspace is no list.
# Nobody is subscribed who has unsubscribed from everything: once they take a single list again, all
# that was written meanwhile would count. Nor is anybody who had left the list and was only asked
# since: the question may be a stranger's.
ENTER = f"""
INSERT INTO subscribers_subscription AS current
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT person.workspace_id, list.id, person.id, %(status)s, %(at)s, %(at)s
FROM subscribers_subscriber person
JOIN subscribers_list list ON list.workspace_id = person.workspace_id
WHERE person.id = %(subscriber)s AND list.id = %(list)s
    AND (%(status)s <> %(subscribed)s
        OR NOT {suppression.holds("person", SuppressionReason.UNSUBSCRIBED)})
FOR KEY SHARE OF person, list
ON CONFLICT (list_id, subscriber_id)
DO UPDATE SET status = EXCLUDED.status, changed_at = EXCLUDED.changed_at
WHERE current.status = %(from)s AND (%(status)s <> %(subscribed)s OR NOT
    {ledger.HAD_LEFT.format(person="current.subscriber_id", list="current.list_id")})
RETURNING id
"""  # noqa: S608 - our own words
CHANGE = """
UPDATE subscribers_subscription
SET status = %(status)s, changed_at = %(at)s
WHERE subscriber_id = %(subscriber)s AND workspace_id = %(workspace)s
    AND status = ANY(%(allowed)s)
    AND (%(lists)s::bigint[] IS NULL OR list_id = ANY(%(lists)s))
RETURNING list_id
"""
# An act of the person on lists where they stand so already, unless such an act is why they do. It
# moves the time, too, so that whatever undoes what was done to them before passes them by.
REPEAT = """
UPDATE subscribers_subscription current SET changed_at = %(at)s
WHERE subscriber_id = %(subscriber)s AND workspace_id = %(workspace)s
    AND status = ANY(%(standing)s)
    AND (%(lists)s::bigint[] IS NULL OR list_id = ANY(%(lists)s))
    AND NOT EXISTS (
        SELECT FROM subscribers_consentevent known
        WHERE known.subscriber_id = current.subscriber_id AND known.list_id = current.list_id
            AND known.kind = ANY(%(kinds)s) AND known.source = ANY(%(own)s)
            AND known.at >= current.changed_at
    )
RETURNING list_id
"""
# Entering a status: from which other one (besides none at all), and what the ledger calls it.
ENTRANCES = {
    SubscriptionStatus.SUBSCRIBED: (SubscriptionStatus.UNCONFIRMED, ConsentKind.SUBSCRIBED),
    SubscriptionStatus.UNCONFIRMED: (SubscriptionStatus.UNSUBSCRIBED, ConsentKind.ASKED),
}
ADDRESS_CHANGED = "address changed"  # an event's detail


def join(
    subscriber: Subscriber, *, mailing_list: MailingList, **evidence: Unpack[Evidence]
) -> bool:
    """Do what somebody's wish to join means on this list, without proof of who wishes.

    Single opt-in: who is new to the list is subscribed. Everybody else is asked to confirm by mail
    (`ask`): on double opt-in lists, and wherever the person has left this list or everything, so
    that a stranger who types an address undoes nothing. False: nothing changed (already asked or
    subscribed).
    """
    if mailing_list.opt_in == MailingList.OptIn.SINGLE and _enter(
        subscriber, mailing_list, SubscriptionStatus.SUBSCRIBED, evidence, only_new=True
    ):
        return True
    return ask(subscriber, mailing_list=mailing_list, **evidence)


def subscribe(
    subscriber: Subscriber, *, mailing_list: MailingList, **evidence: Unpack[Evidence]
) -> bool:
    """Subscribe a person who is new to the list or was only asked. Never undoes an unsubscription.

    A member or a program does this. False: nothing changed; they are on the list, have left it
    (also if somebody has asked them since), or have unsubscribed from everything
    (`suppression.is_out`).
    """
    return _enter(subscriber, mailing_list, SubscriptionStatus.SUBSCRIBED, evidence)


def ask(subscriber: Subscriber, *, mailing_list: MailingList, **evidence: Unpack[Evidence]) -> bool:
    """Note that a person wants to join and must confirm by mail; also after they had left."""
    with transaction.atomic():
        entered = _enter(subscriber, mailing_list, SubscriptionStatus.UNCONFIRMED, evidence)
        if not entered:
            here = [SubscriptionStatus.UNCONFIRMED, SubscriptionStatus.SUBSCRIBED]
            _wish_again(subscriber, mailing_list, evidence, standing=here)
    return entered


def confirm(
    subscriber: Subscriber, *, mailing_list: MailingList, **evidence: Unpack[Evidence]
) -> bool:
    """Subscribe a person who was asked and has answered; lifts "unsubscribed from everything"."""
    with transaction.atomic():
        changed = Subscription.objects.filter(
            workspace_id=subscriber.workspace_id,
            list=mailing_list,
            subscriber=subscriber,
            status=SubscriptionStatus.UNCONFIRMED,
        ).update(status=SubscriptionStatus.SUBSCRIBED, changed_at=_moment(evidence))
        if changed:
            _record(subscriber, ConsentKind.CONFIRMED, [mailing_list.pk], evidence)
            return_to_mail(subscriber, **evidence)
        else:
            here = [SubscriptionStatus.SUBSCRIBED]
            _wish_again(subscriber, mailing_list, evidence, standing=here)
    return bool(changed)


def unsubscribe(
    subscriber: Subscriber, *, lists: Iterable[int], **evidence: Unpack[Evidence]
) -> tuple[int, ...]:
    """Leave these lists (by id); returns those that the person really was on."""
    with transaction.atomic():
        left, _repeated = _leave(subscriber, evidence, lists=list(lists))
    return left


def unsubscribe_from_all(
    subscriber: Subscriber, **evidence: Unpack[Evidence]
) -> tuple[int, ...] | None:
    """Leave every list and suppress the address; returns the lists left, None if already done."""
    return _out(subscriber, evidence, reason=SuppressionReason.UNSUBSCRIBED)


def complain(subscriber: Subscriber, **evidence: Unpack[Evidence]) -> tuple[int, ...] | None:
    """Leave every list because the person reported our mail as spam; as `unsubscribe_from_all`."""
    return _out(subscriber, evidence, reason=SuppressionReason.COMPLAINED)


def _out(
    subscriber: Subscriber, evidence: Evidence, *, reason: SuppressionReason
) -> tuple[int, ...] | None:
    with transaction.atomic():
        left, repeated = _leave(subscriber, evidence, lists=None)
        suppressed = suppression.insert(
            subscriber.workspace, keys=[subscriber.email_key], reason=reason
        )
        # Also where a stronger reason stays: whoever takes that one back must see the wish.
        first = suppressed or not ledger.has_left_everything(subscriber)
        if first:
            _record(subscriber, ConsentKind.UNSUBSCRIBED, [None], evidence)
    return left if left or repeated or first else None


def resubscribe(
    subscriber: Subscriber, *, lists: Iterable[int], **evidence: Unpack[Evidence]
) -> tuple[int, ...]:
    """Take a person back on lists they had left, by their own act.

    Undo of an unsubscription, the preference centre, or a member with the reason in ``detail``.
    Lifts their "unsubscribed from everything" if they are back on a list by it.
    Returns the lists that the person is back on.
    """
    with transaction.atomic():
        back = _change(
            subscriber,
            evidence,
            status=SubscriptionStatus.SUBSCRIBED,
            allowed=[SubscriptionStatus.UNSUBSCRIBED],
            lists=list(lists),
        )
        _record(subscriber, ConsentKind.RESUBSCRIBED, back, evidence)
        if back:
            return_to_mail(subscriber, **evidence)
    return back


def return_to_mail(subscriber: Subscriber, **evidence: Unpack[Evidence]) -> bool:
    """Lift "unsubscribed from everything" by the person's own act; False: it was not there.

    The ledger notes it as an event for all mail. The lists that were left stay left.
    """
    with transaction.atomic():
        lifted = suppression.release_own_wish(
            subscriber.workspace_id, address_hash=bytes(subscriber.address_hash)
        )
        if lifted:
            _record(subscriber, ConsentKind.RESUBSCRIBED, [None], evidence)
    return lifted


def follow_address(subscriber: Subscriber, **evidence: Unpack[Evidence]) -> tuple[int, ...]:
    """Note, for every list the person is on, that another address takes the subscription over.

    The new address has agreed to nothing. So on double opt-in lists, and on all if its owner has
    unsubscribed from everything, the person must confirm again; returns these lists (by id).
    """
    evidence = {**evidence, "detail": ADDRESS_CHANGED}
    with transaction.atomic():
        lists = MailingList.objects.filter(workspace_id=subscriber.workspace_id)
        if not suppression.is_out(subscriber):
            lists = lists.filter(opt_in=MailingList.OptIn.DOUBLE)
        waiting = _change(
            subscriber,
            evidence,
            status=SubscriptionStatus.UNCONFIRMED,
            allowed=[SubscriptionStatus.SUBSCRIBED],
            lists=list(lists.values_list("pk", flat=True)),
        )
        staying = Subscription.objects.filter(
            subscriber=subscriber, status=SubscriptionStatus.SUBSCRIBED
        ).order_by("list_id")
        _record(subscriber, ConsentKind.ASKED, waiting, evidence)
        kept = list(staying.values_list("list_id", flat=True))
        _record(subscriber, ConsentKind.SUBSCRIBED, kept, evidence)
    return waiting


def _enter(
    subscriber: Subscriber,
    mailing_list: MailingList,
    status: SubscriptionStatus,
    evidence: Evidence,
    *,
    only_new: bool = False,
) -> bool:
    from_status, kind = ENTRANCES[status]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            ENTER,
            {
                "subscriber": subscriber.pk,
                "list": mailing_list.pk,
                "status": status,
                "from": None if only_new else from_status,
                "subscribed": SubscriptionStatus.SUBSCRIBED,
                "at": _moment(evidence),
            },
        )
        won = cursor.fetchone() is not None
        if won:
            _record(subscriber, kind, [mailing_list.pk], evidence)
    return won


def _leave(
    subscriber: Subscriber, evidence: Evidence, *, lists: list[int] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Take the person off lists; returns those left, and those where only the wish is new."""
    left = _change(
        subscriber,
        evidence,
        status=SubscriptionStatus.UNSUBSCRIBED,
        allowed=[SubscriptionStatus.UNCONFIRMED, SubscriptionStatus.SUBSCRIBED],
        lists=lists,
    )
    _record(subscriber, ConsentKind.UNSUBSCRIBED, left, evidence)
    standing, kinds = [SubscriptionStatus.UNSUBSCRIBED], ledger.LEAVING
    repeated = _repeat(subscriber, evidence, lists=lists, standing=standing, kinds=kinds)
    _record(subscriber, ConsentKind.LEFT_AGAIN, repeated, evidence)
    return left, repeated


def _wish_again(
    subscriber: Subscriber,
    mailing_list: MailingList,
    evidence: Evidence,
    *,
    standing: list[SubscriptionStatus],
) -> None:
    lists, kinds = [mailing_list.pk], ledger.JOINING
    repeated = _repeat(subscriber, evidence, lists=lists, standing=standing, kinds=kinds)
    _record(subscriber, ConsentKind.WISHED_AGAIN, repeated, evidence)


def _repeat(
    subscriber: Subscriber,
    evidence: Evidence,
    *,
    lists: list[int] | None,
    standing: list[SubscriptionStatus],
    kinds: Sequence[ConsentKind],
) -> tuple[int, ...]:
    if evidence["source"] not in ledger.OWN_ACTS:
        return ()
    values: dict[str, Any] = {
        "subscriber": subscriber.pk,
        "workspace": subscriber.workspace_id,
        "standing": [str(one) for one in standing],
        "kinds": [str(one) for one in kinds],
        "own": [str(one) for one in ledger.OWN_ACTS],
        "lists": lists,
        "at": _moment(evidence),
    }
    with connection.cursor() as cursor:
        cursor.execute(REPEAT, values)
        return tuple(sorted(list_id for (list_id,) in cursor.fetchall()))


def _change(
    subscriber: Subscriber,
    evidence: Evidence,
    *,
    status: SubscriptionStatus,
    allowed: list[SubscriptionStatus],
    lists: list[int] | None,
) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            CHANGE,
            {
                "subscriber": subscriber.pk,
                "workspace": subscriber.workspace_id,
                "status": status,
                "allowed": [str(one) for one in allowed],
                "lists": lists,
                "at": _moment(evidence),
            },
        )
        return tuple(sorted(list_id for (list_id,) in cursor.fetchall()))


def _record(
    subscriber: Subscriber,
    kind: ConsentKind,
    lists: Sequence[int | None],
    evidence: Evidence,
) -> None:
    if lists:
        ledger.record(subscriber, kind=kind, lists=lists, evidence=evidence)


def _moment(evidence: Evidence) -> datetime:
    return evidence.get("at") or timezone.now()
