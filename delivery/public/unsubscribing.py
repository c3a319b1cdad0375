"""Leaving by the link or button of a mail, and taking exactly that back.

Everything happens in one transaction: subscriptions with their consent events, the message's mark
and the campaign's figures. Sending looks at consent again when it claims, so messages that wait in
a queue are skipped from the next moment on.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Unpack

from django.db import transaction
from django.utils import timezone

from delivery.models import Event, Message, UnsubscribeReason
from delivery.pipeline import settle
from delivery.public.message_link import Reader
from delivery.states import AgentClass, EventKind
from delivery.tracking import counting, ingest
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.consent.ledger import Evidence
from subscribers.models import ConsentEvent, MailingList, Subscriber, Subscription
from subscribers.states import (
    ConsentKind,
    ConsentSource,
    SubscriptionStatus,
)

# Undo is for slips. A mail that is found or forwarded later brings nobody back.
UNDO_WITHIN = timedelta(days=1)
LONGEST_WORDS = 500


def leave(reader: Reader, **evidence: Unpack[Evidence]) -> tuple[int, ...]:
    """Unsubscribe from the campaign's lists; returns those that the person was on."""
    if reader.person is None:
        return ()
    evidence["message_id"] = reader.message.pk
    with transaction.atomic():
        _hold(reader)
        left = lifecycle.unsubscribe(
            reader.person, lists=[one.pk for one in reader.lists], **evidence
        )
        if left:
            count(reader, evidence)
        _prove(reader)
    return left


def leave_all(reader: Reader, **evidence: Unpack[Evidence]) -> bool:
    """Unsubscribe from every list and suppress the address; False when it was so already."""
    if reader.person is None:
        return False
    evidence["message_id"] = reader.message.pk
    with transaction.atomic():
        _hold(reader)
        changed = lifecycle.unsubscribe_from_all(reader.person, **evidence) is not None
        if changed:
            count(reader, evidence)
        _prove(reader)
    return changed


def count(reader: Reader, evidence: Evidence) -> None:
    """Count the unsubscription for the message's campaign, once, inside a transaction."""
    at = evidence.get("at") or timezone.now()
    marked = Message.objects.filter(pk=reader.message.pk, unsubscribed_at=None).update(
        unsubscribed_at=at
    )
    if not marked:
        return
    name = ledger.printable(evidence.get("user_agent", ""))
    Event.objects.create(
        campaign_id=reader.campaign.pk,
        message_id=reader.message.pk,
        subscriber_id=reader.message.subscriber_id,
        kind=EventKind.UNSUBSCRIBED,
        agent=AgentClass.HUMAN,
        at=at,
        user_agent_id=ingest.user_agents([name])[name] if name else None,
        ip=evidence.get("ip"),
    )
    _tally(reader, 1)
    _prove(reader)


def _prove(reader: Reader) -> None:
    """Settle a mail of which nobody knew: whoever leaves by it, has received it."""
    settle.by_event(reader.message.pk, EventKind.UNSUBSCRIBED)


def undo(reader: Reader, **evidence: Unpack[Evidence]) -> bool:
    """Take back what this message's link did, as far as nothing happened since.

    Lists left by it are as before (unconfirmed stays unconfirmed), a suppression by it is lifted,
    and the campaign's figures no longer count it. The consent ledger keeps both steps.
    """
    if reader.person is None:
        return False
    evidence["message_id"] = reader.message.pk
    with transaction.atomic():
        _hold(reader)
        done = undoable(reader)
        if not done:
            return False
        lists = [one.list_id for one in done if one.list_id]
        everything = any(one.list_id is None for one in done)
        unconfirmed = _were_unconfirmed(reader.person, lists)
        _restore(reader.person, lists, unconfirmed, everything=everything, evidence=evidence)
        _uncount(reader)
    return True


def undoable(reader: Reader) -> list[ConsentEvent]:
    """Return this message's unsubscriptions that are still each list's newest event."""
    if reader.person is None:
        return []
    newest: dict[int | None, ConsentEvent] = {}
    for event in ConsentEvent.objects.filter(subscriber=reader.person).order_by("id"):
        newest[event.list_id] = event
    return [
        event
        for event in newest.values()
        if event.message_id == reader.message.pk
        and event.kind == ConsentKind.UNSUBSCRIBED
        and event.source in {ConsentSource.UNSUBSCRIBE_PAGE, ConsentSource.ONE_CLICK}
        and event.at > timezone.now() - UNDO_WITHIN
    ]


def has_left(reader: Reader) -> bool:
    """Say whether the person gets nothing more of what this campaign went to."""
    if reader.person is None or is_out(reader.person):
        return True
    return (
        not Subscription.objects.filter(
            subscriber=reader.person, list__in=[one.pk for one in reader.lists]
        )
        .exclude(status=SubscriptionStatus.UNSUBSCRIBED)
        .exists()
    )


def is_out(person: Subscriber) -> bool:
    """Say whether the person asked for no mail at all."""
    return suppression.is_out(person)


def answer(reader: Reader, *, why: str, words: str = "") -> bool:
    """Keep what the person answered when asked why they left; False for no such answer.

    ``words`` are their own, if they wrote some.
    """
    if why not in UnsubscribeReason.Answer.values:
        return False
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=reader.message.pk)
        if message.unsubscribed_at is None:
            return False
        UnsubscribeReason.objects.update_or_create(
            message_id=message.pk,
            defaults={
                "campaign_id": message.campaign_id,
                "answer": why,
                "words": ledger.printable(" ".join(words.split()))[:LONGEST_WORDS],
                "at": timezone.now(),
            },
        )
    return True


def _hold(reader: Reader) -> None:
    # One step at a time for each message: a mail program's button and the page may come at once.
    Message.objects.select_for_update().only("id").get(pk=reader.message.pk)


def _were_unconfirmed(person: Subscriber, lists: Iterable[int]) -> set[int]:
    """Return the lists whose event before the newest one only asked the person to confirm."""
    found = set()
    for list_id in lists:
        kinds = (
            ConsentEvent.objects.filter(subscriber=person, list_id=list_id)
            # These changed nothing.
            .exclude(kind__in=[ConsentKind.WISHED_AGAIN, ConsentKind.GIVEN_AGAIN])
            .order_by("-id")
            .values_list("kind", flat=True)[:2]
        )
        if list(kinds)[1:] == [ConsentKind.ASKED]:
            found.add(list_id)
    return found


def _restore(
    person: Subscriber,
    lists: list[int],
    unconfirmed: set[int],
    *,
    everything: bool,
    evidence: Evidence,
) -> None:
    for mailing_list in MailingList.objects.filter(pk__in=unconfirmed):
        lifecycle.ask(person, mailing_list=mailing_list, **evidence)
    kept_out = not everything and is_out(person)
    subscribed = [list_id for list_id in lists if list_id not in unconfirmed]
    if subscribed and not kept_out:
        lifecycle.resubscribe(person, lists=subscribed, **evidence)
    if everything:
        lifecycle.return_to_mail(person, **evidence)


def _uncount(reader: Reader) -> None:
    if not Message.objects.filter(pk=reader.message.pk, unsubscribed_at__isnull=False).update(
        unsubscribed_at=None
    ):
        return
    Event.objects.filter(message_id=reader.message.pk, kind=EventKind.UNSUBSCRIBED).delete()
    UnsubscribeReason.objects.filter(message_id=reader.message.pk).delete()
    _tally(reader, -1)


def _tally(reader: Reader, difference: int) -> None:
    changes = counting.Changes()
    key = (EventKind.UNSUBSCRIBED, AgentClass.HUMAN, 0)
    changes.add(reader.campaign.pk, key, total=difference, unique=difference)
    changes.write()
