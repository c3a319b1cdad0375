"""From what a provider said to news of a mail: kind, cause and effect.

The receiving server's own words count most: a provider's "hard bounce" may quote a full mailbox,
and its "soft bounce" an address that never was. Where there are none, or nobody understands them,
the provider's word decides; where the provider itself held the mail back, it decides at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from delivery.events.feedback import Feedback
from delivery.events.webhooks.reading import Said
from delivery.mime import tokens
from delivery.refusals import classify
from delivery.states import Effect, EventKind, FeedbackSource

PERMANENT: Final = 500
AHEAD: Final = timedelta(hours=1)  # that a provider's clock may be before ours
_SAYS_NOTHING: Final = frozenset({Effect.NONE, Effect.UNDECIDED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What an event means in the end."""

    kind: EventKind
    cause: int
    effect: Effect


def judge(said: Said) -> Judgement | None:
    """Say what an event means; None: nothing that an email's story knows."""
    if said.kind is None:
        return None
    kind = said.kind
    if kind is EventKind.DELAYED and _is_final(said):
        kind = EventKind.BOUNCED
    if kind is EventKind.BOUNCED:
        cause, effect = _refusal(said)
        return Judgement(kind=kind, cause=cause, effect=effect)
    cause = _classified(said)[0] if kind is EventKind.DELAYED else 0
    return Judgement(kind=kind, cause=cause, effect=said.meaning.effect)


def _is_final(said: Said) -> bool:
    """Say whether a server refused for good (RFC 5321 §4.2.1) and nobody tries again."""
    details = said.details
    is_permanent = details.code >= PERMANENT or details.enhanced.startswith("5.")
    return is_permanent and not details.is_retried


def _refusal(said: Said) -> tuple[int, Effect]:
    meaning = said.meaning
    if not meaning.decides:
        cause, effect = _classified(said)
        if effect not in _SAYS_NOTHING:
            return cause, effect
    cause, effect = _classify(code=0, enhanced=meaning.enhanced, text="", domain="")
    if meaning.effect not in _SAYS_NOTHING:
        return meaning.cause or cause, meaning.effect
    if meaning.decides:  # it says neither why: its words, then
        cause, effect = _classified(said)
    return cause, effect if effect is not Effect.NONE else Effect.UNDECIDED


def _classified(said: Said) -> tuple[int, Effect]:
    details = said.details
    if not (details.code or details.enhanced or details.text):
        return 0, Effect.UNDECIDED
    return _classify(
        code=details.code,
        enhanced=details.enhanced,
        text=details.text,
        domain=said.recipient.rpartition("@")[2],
    )


def _classify(*, code: int, enhanced: str, text: str, domain: str) -> tuple[int, Effect]:
    if not (code or enhanced or text):
        return 0, Effect.UNDECIDED
    found = classify.refusal(code=code, enhanced=enhanced, text=text, domain=domain)
    return int(found.cause), Effect(found.effect)


def feedback_of(
    said: Said, *, workspace_id: int, account_id: int, received_at: datetime
) -> Feedback | None:
    """Return what `events.applying` is told of an event; None: nothing."""
    judgement = judge(said)
    if judgement is None:
        return None
    details = said.details
    at = details.at or received_at
    return Feedback(
        key=said.key,
        kind=judgement.kind,
        at=at if at <= received_at + AHEAD else received_at,
        source=FeedbackSource.PROVIDER,
        workspace_id=workspace_id,
        account_id=account_id,
        message_id=proven(said),
        header_id=details.header_id,
        provider_id=said.provider_id,
        recipient=said.recipient,
        cause=judgement.cause,
        effect=judgement.effect,
        code=details.code,
        enhanced=details.enhanced,
        text=details.text,
        url=said.url,
        user_agent=said.user_agent,
        ip=details.ip,
    )


def proven(said: Said) -> int | None:
    """Return the message that a mark of ours names, which comes back as metadata or Message-ID."""
    for mark in (said.token, said.details.header_id.partition("@")[0]):
        found = tokens.read(mark, tokens.Purpose.MESSAGE) if mark.isascii() else None
        if found is not None:
            return found
    return None
