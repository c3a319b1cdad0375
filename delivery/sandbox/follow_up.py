"""What is done with kept mails a little later: read for the search, and answered by themselves.

Beat looks for both. The server that took a mail does neither, so that it stays quick.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Final

from django.db import connection
from django.utils import timezone

from accounts.background import set_aside
from campaigns.rendering.markup import RAW_TEXT, elements
from delivery.models import Message, SandboxMessage
from delivery.sandbox import answering, stored
from delivery.sandbox.parts import Mail
from delivery.states import SandboxAnswer

BATCH: Final = 100
SECONDS: Final = 2.0  # of reading in one run; the next one goes on
MOST_READ: Final = 256 * 1024  # bytes of a mail that the search knows
LONGEST_WORDS: Final = 8_000  # characters
ANSWER_AFTER: Final = timedelta(seconds=10)  # by then the ledger says that it was sent
MOST_ANSWERS: Final = 100  # in one run
_WRITE: Final = """
UPDATE delivery_sandboxmessage mail SET words = new.words
FROM unnest(%s::bigint[], %s::text[]) AS new (id, words) WHERE mail.id = new.id
"""


def read_words() -> int:
    """Read mails that the search does not know yet; returns how many."""
    until = time.monotonic() + SECONDS
    read = 0
    while time.monotonic() < until:
        unread = SandboxMessage.objects.filter(words=None).order_by("pk").defer("raw")
        mails = list(unread[:BATCH])
        if not mails:
            break
        read += len(mails)
        if set_aside.together("sandbox search", mails, _read, name=_name) < len(mails):
            # One that can't be read is found by its address and subject alone.
            SandboxMessage.objects.filter(pk__in=[mail.pk for mail in mails], words=None).update(
                words=""
            )
    return read


def _read(mails: Sequence[SandboxMessage]) -> None:
    words = [words_of(stored.read(mail, most=MOST_READ)) for mail in mails]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [[mail.pk for mail in mails], words])


def words_of(mail: Mail) -> str:
    """Return what a mail says, as the search compares it: small letters, single spaces."""
    text = mail.text or _without_tags(mail.html)
    text = "".join(one if one.isprintable() else " " for one in text[: LONGEST_WORDS * 4])
    return " ".join(text.casefold().split())[:LONGEST_WORDS]


def _without_tags(html: str) -> str:
    pieces: list[str] = []
    at = 0
    for tag in elements(html):
        if tag.start >= at:
            pieces.append(html[at : tag.start])
        at = tag.end
        if tag.name in RAW_TEXT and not tag.closes:
            at = len(html)  # until its end tag comes
        elif tag.name in RAW_TEXT:
            at = tag.end
    pieces.append(html[at:])
    return unescape(" ".join(pieces))


def answer_due() -> int:
    """Let addresses that answer by themselves do so; returns how many did."""
    due = (
        SandboxMessage.objects.filter(
            answer_due__isnull=False, received_at__lt=timezone.now() - ANSWER_AFTER
        )
        .select_related("workspace")
        .defer("raw", "words")
        .order_by("pk")
    )
    return set_aside.each("sandbox answers", list(due[:MOST_ANSWERS]), _answer, name=_name)


def _answer(mail: SandboxMessage) -> None:
    # Whoever takes the mark away answers; what fails then is not tried again.
    taken = SandboxMessage.objects.filter(pk=mail.pk, answer_due=mail.answer_due)
    if not taken.update(answer_due=None):
        return
    answer = SandboxAnswer(int(mail.answer_due or 0))
    message = answering.ledger_message(mail)
    content = stored.read(mail)
    can = answering.possible(mail, content, message)
    if answer in answering.MAILED:
        if not can.by_mail:
            return
        answering.by_mail(mail, content, answer)
    elif message is None:
        return
    elif answer is SandboxAnswer.ONE_CLICK:
        if not can.one_click:
            return
        answering.unsubscribe(message)
    elif not _visited(message, answer, can):
        return
    answering.note(mail, answer)


def _visited(message: Message, answer: SandboxAnswer, can: answering.Possible) -> bool:
    if can.open:
        answering.visit(message, answering.PERSON)
    if answer is SandboxAnswer.CLICK and can.clicks:
        answering.visit(message, answering.PERSON, ordinal=can.clicks[0].ordinal)
        return True
    return can.open and answer is SandboxAnswer.OPEN


def _name(mail: SandboxMessage) -> str:
    return f"mail {mail.pk}"
