"""What becomes of a mail by a server's answer, and how its words are kept.

What an answer means, `delivery.refusals` knows, of whoever hears it. Most 5xx answers are no fault
of the address (policy, spam, quota, sign-in), so only those that clearly say "no such address"
count as that; wrongly suppressing a person is worse than a second bounce.
"""

import hashlib
import random
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings

from delivery.models import ServerReply
from delivery.refusals import classify
from delivery.refusals.causes import Cause
from delivery.refusals.classify import Refusal, meaning
from delivery.states import Effect, Reason
from delivery.transports.protocol import Outcome, Verdict

# Effects that are no fault of the person's, and no trouble that passes.
_POLICIES: Final = frozenset({Effect.SENDER_BLOCKED, Effect.AUTH_POLICY, Effect.CONTENT})
_FINAL: Final = 500  # RFC 5321 §4.2.1; a failure with less has an HTTP status
_CACHED: Final = 2_000  # answers whose meaning is remembered: a server says the same to thousands
# What differs from one mail to the next in the same answer: ids, hashes, queue ids, times.
_WORD: Final = re.compile(r"[\w.+=/:~-]+")
_SAME_EACH_TIME: Final = re.compile(
    r"\d{1,3}"  # a code, a limit
    r"|[245]\.\d{1,3}\.\d{1,3}[.:]?"  # RFC 3463
    r"|(?:\d{1,3}\.){3}\d{1,3}[.:]?"  # the address that a server complains of
)
_LOOKS_RANDOM: Final = re.compile(
    r"(?=.*\d)|[0-9a-f]{12,}$|(?=.*[a-z][A-Z])(?=.*[A-Z][a-z].*[A-Z]).{12,}$"
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE: Final = re.compile(
    rf"\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
    rf"(?:\d{{1,2}}\s+{_MONTH}|{_MONTH}\s+\d{{1,2}})\b",
    re.IGNORECASE,
)
MOST: Final = 20_000  # answers that are kept; a server that says something new each time adds none
ADDRESS: Final = re.compile(r"(?<![^\s<>@:;,])<?[^\s<>@:;,]++@[\w.-]+\w>?")
TEXT_LENGTH: Final = 1000


def reason_for(outcome: Outcome) -> Reason:
    """Return why a mail was deferred, failed or is unknown (NONE for one that was sent)."""
    match outcome.verdict:
        case Verdict.DEFERRED:
            return _why_deferred(outcome)
        case Verdict.FAILED:
            return _why_failed(outcome)
        case Verdict.UNKNOWN:
            return Reason.NO_REPLY
        case _:
            return Reason.NONE


def _why_deferred(outcome: Outcome) -> Reason:
    if not outcome.code:
        return Reason.CONNECTION_LOST
    if refusal(outcome).effect is Effect.THROTTLED:
        return Reason.THROTTLED_BY_SERVER
    return Reason.TEMPORARY


def _why_failed(outcome: Outcome) -> Reason:
    effect = refusal(outcome).effect
    if effect is Effect.ADDRESS_INVALID:
        return Reason.ADDRESS_INVALID
    return Reason.POLICY if effect in _POLICIES else Reason.REFUSED


def refusal(outcome: Outcome) -> Refusal:
    """Return what a refusal means. A connection that broke says nothing of the person."""
    if not outcome.code:
        return meaning(Cause.NONE)
    text = without_addresses(outcome.text)
    if outcome.verdict is Verdict.FAILED and outcome.code < _FINAL:
        return _of_a_provider(outcome.enhanced, text)
    return _meaning(outcome.code, outcome.enhanced, text)


def _of_a_provider(enhanced: str, text: str) -> Refusal:
    """Read a refusal with an HTTP status: the provider's own word, before any server was asked."""
    found = _meaning(0, enhanced, text)
    if found.effect is Effect.ADDRESS_INVALID and not enhanced:
        return meaning(Cause.RECIPIENT_REFUSED)
    return found


@lru_cache(maxsize=_CACHED)
def _meaning(code: int, enhanced: str, text: str) -> Refusal:
    return classify.refusal(code=code, enhanced=enhanced, text=text)


def without_addresses(text: str) -> str:
    """Return a server's words without anybody's address, so that equal answers are one row."""
    return ADDRESS.sub("<…>", text)[:TEXT_LENGTH]


def shape(text: str) -> str:
    """Return what is the same in an answer whomever it is about: one row for each such shape."""

    def word(found: re.Match[str]) -> str:
        said = found[0]
        if _SAME_EACH_TIME.fullmatch(said) or not _LOOKS_RANDOM.match(said):
            return said
        return "#"

    return _WORD.sub(word, _DATE.sub("#", without_addresses(text)))


def store(outcomes: Iterable[Outcome]) -> dict[int, int]:
    """Keep the answers to mails that were not simply sent; return reply ids by message id.

    Answers of one shape are one row, with the words of the first as an example. When there are
    `MOST` of them, new ones are kept by their codes alone. Call it inside the transaction that
    records the outcomes.
    """
    rows: dict[bytes, ServerReply] = {}
    hashes: dict[int, bytes] = {}
    for outcome in outcomes:
        if outcome.code or outcome.text:
            row = _reply(outcome, outcome.text)
            hashes[outcome.message_id] = bytes(row.hash)
            rows.setdefault(bytes(row.hash), row)
    if not rows:
        return {}
    known = _known(rows)
    if len(known) < len(rows):
        if ServerReply.objects.count() + len(rows) > MOST:
            bare = {digest: _reply(row, "") for digest, row in rows.items() if digest not in known}
            hashes = {
                message: bytes(bare[digest].hash) if digest in bare else digest
                for message, digest in hashes.items()
            }
            rows = {bytes(row.hash): row for row in bare.values()} | {
                digest: rows[digest] for digest in known
            }
        # In one order: two workers with the same answers never wait for each other in a circle.
        ServerReply.objects.bulk_create(
            [rows[digest] for digest in sorted(rows)], ignore_conflicts=True
        )
        known = _known(rows)
    return {message: known[digest] for message, digest in hashes.items()}


def _reply(said: Outcome | ServerReply, text: str) -> ServerReply:
    kept = shape(text) if said.code else without_addresses(text)  # without a code they are ours
    words = f"{said.code}\0{said.enhanced}\0{kept}".encode("utf-8", "replace")
    return ServerReply(
        hash=hashlib.blake2b(words, digest_size=16).digest(),
        code=said.code,
        enhanced=said.enhanced[:12],
        text=without_addresses(text),
    )


def _known(rows: Iterable[bytes]) -> dict[bytes, int]:
    found = ServerReply.objects.filter(hash__in=list(rows)).values_list("hash", "pk")
    return {bytes(digest): pk for digest, pk in found}


JITTER = 0.2  # of the wait, either way, so that a greylisted thousand does not come back as one


def wait(attempts: int, *, longest: timedelta | None = None) -> timedelta:
    """Return how long to wait after ``attempts`` failed attempts (at least 1)."""
    steps = settings.RETRY_AFTER
    seconds = float(steps[min(attempts, len(steps)) - 1])
    seconds *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - no secret
    if longest is not None:
        seconds = min(seconds, longest.total_seconds())
    return timedelta(seconds=seconds)


def next_try(*, attempts: int, since: datetime, now: datetime) -> datetime | None:
    """Return when to try again; None: the time allowed (`settings.RETRY_FOR`) is over.

    ``since`` is the first attempt: however long a message waited for it (a warm-up, a pause, a
    limit), it may be deferred as long as any other.
    """
    over = since + settings.RETRY_FOR
    at = now + wait(attempts)
    if now >= over:
        return None
    return min(at, over)
