"""From what a returned mail says to `Feedback`: one piece of news for each recipient it names.

Pure, but for the proof that is handed in.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from delivery.bounces import showing
from delivery.bounces.reading import MailKind, Reading, Report
from delivery.events.feedback import Feedback
from delivery.models import ReturnedMail
from delivery.refusals.causes import Cause
from delivery.states import Effect, EventKind, FeedbackSource, Verdict

MOST: Final = 1_000  # recipients of one mail
OLDEST: Final = timedelta(days=60)  # a date that is further away is not believed
# What a mail as a whole says where it names no recipient.
EVENT_OF: Final = {
    "BOUNCE": EventKind.BOUNCED,
    "DELAY": EventKind.DELAYED,
    "DELIVERY_NOTE": EventKind.DELIVERED,
    "COMPLAINT": EventKind.COMPLAINED,
    "AUTO_REPLY": EventKind.AUTO_REPLIED,
    "CHALLENGE": EventKind.AUTO_REPLIED,
    "UNSUBSCRIBE_REQUEST": EventKind.UNSUBSCRIBED,
}
EFFECT_OF: Final = {
    EventKind.DELAYED: Effect.DELAY,
    EventKind.COMPLAINED: Effect.COMPLAINT,
    EventKind.AUTO_REPLIED: Effect.AUTO_REPLY,
    EventKind.UNSUBSCRIBED: Effect.UNSUBSCRIBE,
    EventKind.BOUNCED: Effect.UNDECIDED,
}
# What a person's, or their rule's, word means.
SAID: Final = {
    Verdict.HARD: (EventKind.BOUNCED, Effect.ADDRESS_INVALID),
    Verdict.SOFT: (EventKind.BOUNCED, Effect.TRANSIENT),
    Verdict.AUTO_REPLY: (EventKind.AUTO_REPLIED, Effect.AUTO_REPLY),
}
_OPEN: Final = frozenset({Effect.UNDECIDED, Effect.NONE})
_ID: Final = re.compile(r"<([^<>\s]{1,250})>")


def of_reading(row: ReturnedMail, reading: Reading, *, message_id: int | None) -> list[Feedback]:
    """Return what a mail that the rules understand tells, in the order of its recipients."""
    kind = reading.kind.name
    if kind == MailKind.OTHER.name:
        return []
    if kind == MailKind.UNSUBSCRIBE_REQUEST.name and message_id is None:
        return []  # anybody can write such a mail in another's name
    reports: Sequence[Report] = reading.reports[:MOST]
    if not reports:
        if message_id is None and not reading.header_id and not reading.provider_ids:
            return []
        event = EVENT_OF.get(kind)
        if event is None:
            return []
        reports = [Report(
            recipient="", kind=event, cause=Cause.NONE, effect=EFFECT_OF.get(event, Effect.NONE),
            code=0, enhanced="", text="",
        )]  # fmt: skip
    return [_feedback(row, reading, report, message_id) for report in reports]


def said(
    row: ReturnedMail, verdict: Verdict, *, recipients: Sequence[str], message_id: int | None
) -> list[Feedback]:
    """Return what a person's word about a mail tells of these recipients."""
    if verdict not in SAID:
        return []
    kind, effect = SAID[verdict]
    return [
        Feedback(
            key=_key("said", str(row.pk), str(kind.value), str(message_id or recipient)),
            kind=kind,
            at=row.received_at,
            source=FeedbackSource(row.source),
            workspace_id=row.workspace_id,
            account_id=row.account_id,
            message_id=message_id,
            recipient=recipient,
            effect=effect,
            text=row.subject,
        )
        for recipient in (recipients or [""])
        if recipient or message_id is not None
    ]


def is_undecided(news: Sequence[Feedback]) -> bool:
    """Say whether mails came back and nobody knows why."""
    return bool(news) and all(one.kind == EventKind.BOUNCED and one.effect in _OPEN for one in news)


def _feedback(
    row: ReturnedMail, reading: Reading, report: Report, message_id: int | None
) -> Feedback:
    recipient = report.mailed or report.recipient  # what we know is what we mailed
    # A bounce that nobody understood is news once more when its reason is known.
    is_open = report.kind == EventKind.BOUNCED and report.effect in _OPEN
    about = str(message_id) if message_id is not None else f"{reading.header_id} {recipient}"
    return Feedback(
        key=_key(_name(row), str(report.kind.value), about.lower(), "open" if is_open else ""),
        kind=report.kind,
        at=_believed(reading.at, row.received_at),
        source=FeedbackSource(row.source),
        workspace_id=row.workspace_id,
        account_id=row.account_id,
        message_id=message_id,
        header_id=reading.header_id,
        provider_id=next(iter(reading.provider_ids), ""),
        recipient=recipient,
        cause=int(report.cause),
        effect=report.effect,
        code=report.code,
        enhanced=report.enhanced,
        text=report.text,
    )


def _name(row: ReturnedMail) -> str:
    """Return what the mail calls itself: the same, whichever way a copy of it came."""
    found = _ID.search(showing.head_of(bytes(row.raw)).get("message-id", ""))
    return found[1] if found else bytes(row.digest).hex()


def _believed(at: datetime | None, received_at: datetime) -> datetime:
    if at is None or at.tzinfo is None:
        return received_at
    return at if received_at - OLDEST <= at <= received_at else received_at


def _key(*parts: str) -> bytes:
    text = "\0".join(("returned-mail", *parts))
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
