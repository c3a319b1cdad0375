"""From a server's answer to a cause and an effect; whoever hears a refusal asks here.

Words decide where they are specific, then the enhanced status (RFC 3463), then the code (RFC 5321):
servers say "550 5.7.1 user unknown" and "550 5.1.1 blocked by our filter", and the words are right.
"""

import re
from typing import Final, Literal, NamedTuple

from delivery.refusals import phrases, rules
from delivery.refusals.causes import MEANINGS, Cause
from delivery.refusals.words import Words
from delivery.states import Effect

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_CODE: Final = re.compile(r"(?<![\d.:/-])([245]\d\d)(?=[ \-#]|$)")
# Long answers repeat both at the beginning of each line, in the midst of a sentence.
_CODES: Final = re.compile(r"(?<![\d.])[245]\d\d[- ]#?[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_SAYS_NOTHING: Final = frozenset({"", "4.0.0", "5.0.0", "5.5.0", "5.3.0"})


Stage = Literal["", "recipient", "data", "relayed"]


class Refusal(NamedTuple):
    """What a refusal means; ``is_permanent``: the same mail will not be taken later."""

    cause: Cause
    effect: Effect
    is_permanent: bool


def refusal(*, code: int, enhanced: str, text: str, domain: str = "", stage: Stage = "") -> Refusal:
    """Say what a server's answer means.

    ``code`` is the reply code (0: none is known), ``enhanced`` the status such as "5.1.1" or "",
    ``text`` the server's words (any length; the first `rules.LONGEST` characters are read),
    ``domain`` that of the recipient or of the server's name. ``stage``: what it answered, the
    recipient or the whole mail, where that is known; "relayed": somebody else tells what a server
    said, and not of what.
    Never raises; time grows with the length of the text alone.
    """
    text = text[: rules.LONGEST]
    if not rules.STATUS.fullmatch(enhanced):
        enhanced = _status_in(text)
    if not 200 <= code <= 599:  # noqa: PLR2004 - RFC 5321 §4.2
        code = _code_in(text)
    said = Words(_CODES.sub(" ", text))
    domain = domain.lower().rstrip(".")
    cause = (
        (rules.BY_DETAIL[enhanced[2:]] if enhanced[2:] in rules.DECISIVE else None)
        or phrases.BY_WORDS.first(said, code=code, enhanced=enhanced, domain=domain)
        or _by_status(enhanced)
        or phrases.LATE.first(said, code=code, enhanced=enhanced, domain=domain)
        or rules.BY_CODE.get(code, Cause.UNDECIDED)
    )
    if cause is Cause.USER_UNKNOWN:
        cause = _doubted(enhanced, domain, stage=stage)
    return meaning(cause, passes=_passes(code, enhanced))


def _doubted(enhanced: str, domain: str, *, stage: Stage) -> Cause:
    """Return what "no such user" is when status or moment contradict the words.

    Mobile carriers and gateways say so, too, of people whose filter refuses the sender.
    """
    if stage == "data" and enhanced not in rules.NO_SUCH_USER:
        # A server that knows its users would have refused them earlier.
        return Cause.FILTERED if domain.endswith(rules.CARRIERS) else Cause.RECIPIENT_REFUSED
    if stage == "relayed" and enhanced in {"", "5.0.0"}:
        return Cause.RECIPIENT_REFUSED
    if stage == "recipient":
        return Cause.USER_UNKNOWN
    if enhanced.startswith(rules.CONTRADICTS_UNKNOWN):
        return Cause.MAILBOX_DISABLED if enhanced == "5.2.1" else Cause.RECIPIENT_REFUSED
    return Cause.USER_UNKNOWN


def meaning(cause: Cause, *, passes: bool | None = None) -> Refusal:
    """Return what a cause means; ``passes``: the server said itself whether it may pass."""
    effect, is_permanent = MEANINGS[cause]
    if passes and effect is Effect.ADDRESS_INVALID:
        # Whoever says "try again" of an unknown user has not made up their mind.
        return Refusal(cause, Effect.TRANSIENT, is_permanent=False)
    if passes is not None and effect not in _WHATEVER_THE_CODE:
        is_permanent = not passes
    return Refusal(cause, effect, is_permanent)


# Those who ask for patience mean it, whichever digit they begin with.
_WHATEVER_THE_CODE: Final = frozenset(
    {Effect.NONE, Effect.AUTO_REPLY, Effect.DELAY, Effect.COMPLAINT, Effect.UNSUBSCRIBE}
)


def _passes(code: int, enhanced: str) -> bool | None:
    first = (enhanced[:1] or str(code)[:1]) if code or enhanced else ""
    if code and enhanced and str(code)[0] != enhanced[0]:
        return "4" in {str(code)[0], enhanced[0]}
    return {"4": True, "5": False}.get(first)


def _by_status(enhanced: str) -> Cause | None:
    if enhanced in _SAYS_NOTHING:
        return None
    detail = enhanced[2:]
    return (
        rules.BY_STATUS.get(enhanced)
        or rules.BY_DETAIL.get(detail)
        or rules.by_number(detail)
        or rules.BY_SUBJECT.get(detail.partition(".")[0])
    )


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    return found[0] if found else ""


def _code_in(text: str) -> int:
    found = _CODE.search(text)
    return int(found[0]) if found else 0
