"""What people did, as others told us: complained, or asked to be unsubscribed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from delivery.events import matching
from delivery.events.feedback import Feedback
from delivery.events.matching import Target
from delivery.public import message_link, unsubscribing
from delivery.states import EventKind, FeedbackSource
from subscribers.consent import ledger, lifecycle
from subscribers.models import ConsentEvent, MergedPerson, Subscriber
from subscribers.states import ConsentKind, ConsentSource

# By what the ledger of consent calls it when somebody else says that a person wants no more mail.
_SOURCES: Final = {
    FeedbackSource.PROVIDER: ConsentSource.PROVIDER,
    FeedbackSource.BOUNCE_MAIL: ConsentSource.MAIL,
}
RETURNS: Final = (ConsentKind.CONFIRMED, ConsentKind.RESUBSCRIBED)


def follow(news: Sequence[tuple[Feedback, Target]]) -> None:
    """Take people off all lists; who complained is suppressed for that."""
    for one, target in news:
        if target.person is None or not matching.is_confident(one, target):
            continue
        if one.kind is EventKind.COMPLAINED:
            _complain(one, target, target.person)
        elif not _came_back(target.person, since=one.at):
            _unsubscribe(one, target)


def _complain(one: Feedback, target: Target, person: int) -> None:
    subscriber = (
        Subscriber.objects.filter(pk=person, workspace_id=target.workspace_id)
        .select_related("workspace")
        .first()
    )
    if subscriber is not None:
        lifecycle.complain(
            subscriber,
            source=ConsentSource.COMPLAINT,
            at=one.at,
            message_id=target.message_id,
        )


def _unsubscribe(one: Feedback, target: Target) -> None:
    """Unsubscribe from everything if a provider says so; by a mail, as its link does."""
    reader = message_link.of_message(target.message_id)
    if reader is None:
        return
    source = _SOURCES.get(one.source, ConsentSource.PROVIDER)
    if source is ConsentSource.MAIL:
        unsubscribing.leave(reader, source=source, at=one.at)
    else:
        unsubscribing.leave_all(reader, source=source, at=one.at)


def _came_back(person: int, *, since: datetime) -> bool:
    """Say whether the person subscribed again by their own act after they had asked to leave."""
    back = ConsentEvent.objects.filter(
        subscriber_id=person, kind__in=RETURNS, source__in=ledger.OWN_ACTS, at__gt=since
    )
    return back.exists()


def has_moved(target: Target, recipient: str) -> bool:
    """Say whether ``recipient`` (a key) is a former address of the person.

    They were merged into somebody else, or changed their address since the mail went out.
    """
    if target.person is None:
        return False
    if MergedPerson.objects.filter(into=target.person, email__iexact=recipient).exists():
        return True
    if target.attempted_at is None:
        return False
    return ConsentEvent.objects.filter(
        subscriber_id=target.person,
        detail=lifecycle.ADDRESS_CHANGED,
        at__gte=target.attempted_at,
    ).exists()
