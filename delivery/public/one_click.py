"""What pressed unsubscribe buttons of mail programs ask for (RFC 8058), once they are taken in."""

from collections.abc import Sequence

from accounts.background import set_aside
from delivery.public import message_link, unsubscribing
from delivery.tracking.hits import Hit
from subscribers.states import ConsentSource


def apply(pressed: Sequence[Hit]) -> None:
    """Unsubscribe whoever pressed; doing it again changes nothing."""
    set_aside.each(
        "one-click unsubscribes", pressed, _leave, name=lambda hit: f"message {hit.message_id}"
    )


def _leave(hit: Hit) -> None:
    reader = message_link.of_message(hit.message_id)
    if reader is not None:
        unsubscribing.leave(
            reader,
            source=ConsentSource.ONE_CLICK,
            at=hit.at,
            ip=hit.ip or None,
            user_agent=hit.user_agent,
        )
