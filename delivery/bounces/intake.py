"""A returned mail is taken in: recorded first, then read, then told to `events`.

Each step may be the last one of this process. A mail that is recorded and not read yet is `KEPT`;
whoever sees it again, and a beat, goes on with it. What was told already counts once, by its key
(`delivery.events.applying`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts.background import set_aside
from accounts.models import Workspace
from delivery.bounces import keeping, news, proof, showing, words
from delivery.bounces.reading import MailKind, Reading, read
from delivery.events import applying
from delivery.events.feedback import Fate, Feedback, Taken
from delivery.models import BounceMailbox, ReturnedMail, SendingAccount, WordRule
from delivery.refusals import rules as refusal_rules
from delivery.states import FeedbackSource, ReturnedState, Verdict

MOST_RECIPIENTS: Final = 50  # that the row names; all are told
LEFT_AFTER: Final = timedelta(minutes=2)
BATCH: Final = 200
SURE: Final = 70  # of a match: a person who explains the mail need not say whom it is about
# Nobody has to look at these if no email of ours is meant.
QUIET: Final = frozenset({MailKind.AUTO_REPLY.name, MailKind.CHALLENGE.name})
log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What came of reading a mail once; nothing of it is written yet."""

    kind: str
    state: ReturnedState
    told: Sequence[Feedback] = ()
    taken: Sequence[Taken] = ()
    verdict: str = ""
    recipients: list[str] = field(default_factory=list)

    @property
    def match(self) -> tuple[int | None, int]:
        """The message that was found with the most confidence, and that confidence."""
        found = [one for one in self.taken if one.message_id is not None]
        best = max(found, key=lambda one: one.confidence, default=None)
        return (best.message_id, best.confidence) if best else (None, 0)


def take(  # noqa: PLR0913 - what is known of it on the way in
    raw: bytes,
    *,
    workspace: Workspace,
    source: FeedbackSource,
    mailbox: BounceMailbox | None = None,
    account: SendingAccount | None = None,
    envelope_to: str = "",
    size: int = 0,
) -> ReturnedMail:
    """Take a returned mail in and return its row, which is committed before anything else happens.

    ``raw`` may be the beginning of a mail of ``size`` bytes. To be called outside of transactions.
    A mail that was taken in before changes nothing.

    Raises:
        set_aside.AWAY: the database is away; a mail that was recorded is read later.
    """
    kept = keeping.keep(
        raw,
        workspace=workspace,
        source=source,
        mailbox=mailbox,
        account=account,
        envelope_to=envelope_to,
        size=size,
    )
    if kept.row.state == ReturnedState.KEPT:
        settle(kept.row)
    return kept.row


def settle(row: ReturnedMail) -> None:
    """Read a recorded mail, tell what it says, and write down what came of it."""
    try:
        outcome = understand(row)
        write(row, outcome)
    except Exception as error:
        if set_aside.is_away(error):
            raise
        set_aside.note("returned mail", subject=str(row.pk), error=error)
        trouble = showing.line(set_aside.without_values(f"{type(error).__name__}: {error}"), 300)
        _update(row, state=ReturnedState.FAILED, trouble=trouble, read_at=timezone.now())


def understand(
    row: ReturnedMail, *, rules: Sequence[WordRule] | None = None, is_rehearsal: bool = False
) -> Outcome:
    """Read a mail by today's rules and tell `events` what it says, unless it ``is_rehearsal``."""
    raw = bytes(row.raw)
    reading = read(raw)
    message_id = proof.of_workspace(_candidates(row, reading), row.workspace_id)
    told = news.of_reading(row, reading, message_id=message_id)
    outcome = Outcome(
        kind=reading.kind.name.lower(),
        state=ReturnedState.UNRECOGNISED,
        recipients=[address for one in reading.reports if (address := one.mailed or one.recipient)],
    )
    is_open = not told or news.is_undecided(told)
    if is_open and reading.kind.name not in QUIET:
        taught = _taught(row, rules, outcome.recipients, message_id)
        if taught is not None:
            outcome.verdict, told = taught
            named = [one.recipient for one in told if one.recipient]
            outcome.recipients = named or outcome.recipients
    outcome.told = told
    outcome.taken = [] if is_rehearsal else applying.apply(told)
    outcome.state = _state_of(outcome, reading)
    return outcome


def write(row: ReturnedMail, outcome: Outcome, *, is_said: bool = False) -> None:
    """Write down what came of a mail; ``is_said``: a person said so, which no rule changes."""
    message_id, confidence = outcome.match
    _update(
        row,
        kind=outcome.kind[:20],
        state=outcome.state,
        verdict=outcome.verdict,
        recipients=[
            showing.line(one, 320) for one in outcome.recipients[:MOST_RECIPIENTS] if one.strip()
        ],
        effect=next((one.effect.value for one in outcome.told), 0),
        message_id=message_id,
        confidence=confidence,
        rules_version=0 if is_said else refusal_rules.VERSION,
        trouble="",
        read_at=timezone.now(),
    )


def teach(row: ReturnedMail, verdict: Verdict, *, recipient: str) -> Taken | None:
    """Apply what a person says that a mail is; returns what became of it, None if nothing is told.

    ``recipient`` is whom the mail is about; "" where a token of ours says it.
    """
    message_id = proof.of_workspace(_candidates(row, read(bytes(row.raw))), row.workspace_id)
    if message_id is None and row.confidence >= SURE:
        message_id = row.message_id
    told = news.said(
        row, verdict, recipients=[recipient] if recipient else [], message_id=message_id
    )
    outcome = Outcome(kind=row.kind, state=ReturnedState.IGNORED, told=told, verdict=verdict.value)
    outcome.recipients = [recipient] if recipient else list(row.recipients)
    outcome.taken = applying.apply(told)
    outcome.state = _fate(outcome) if told else ReturnedState.IGNORED
    write(row, outcome, is_said=True)
    return next(iter(outcome.taken), None)


def take_up_left() -> int:
    """Go on with mails that were recorded and not read: their process ended; returns how many."""
    left = ReturnedMail.objects.filter(
        state=ReturnedState.KEPT, received_at__lt=timezone.now() - LEFT_AFTER
    )
    return set_aside.each(
        "returned mail", list(left.order_by("received_at")[:BATCH]), settle, name=_name
    )


def _name(row: ReturnedMail) -> str:
    return str(row.pk)


def _candidates(row: ReturnedMail, reading: Reading) -> list[str]:
    token = proof.token_of_address(row.envelope_to)
    return [token, *reading.tokens] if token else list(reading.tokens)


def _taught(
    row: ReturnedMail,
    rules: Sequence[WordRule] | None,
    recipients: Sequence[str],
    message_id: int | None,
) -> tuple[str, list[Feedback]] | None:
    """Return the verdict of the workspace's own rules and what it tells, or None."""
    known = words.rules_of(row.workspace_id) if rules is None else rules
    verdict = words.verdict_of(known, subject=row.subject, raw=bytes(row.raw))
    if verdict is None:
        return None
    if not recipients and message_id is None:
        person = words.only_person(row)
        recipients = [person] if person else []
    told = news.said(row, verdict, recipients=recipients, message_id=message_id)
    if not told and verdict is not Verdict.NO_BOUNCE:
        return None  # a rule fits, but nobody knows whom the mail is about
    return verdict.value, told


def _state_of(outcome: Outcome, reading: Reading) -> ReturnedState:
    if outcome.verdict == Verdict.NO_BOUNCE:
        return ReturnedState.IGNORED
    kind = reading.kind.name
    if not outcome.told:
        is_quiet = kind in QUIET or kind in {MailKind.DELAY.name, MailKind.DELIVERY_NOTE.name}
        return ReturnedState.IGNORED if is_quiet else ReturnedState.UNRECOGNISED
    if not outcome.taken:  # a rehearsal
        undecided = news.is_undecided(outcome.told) and not outcome.verdict
        return ReturnedState.UNRECOGNISED if undecided else ReturnedState.APPLIED
    state = _fate(outcome)
    if state == ReturnedState.UNMATCHED and kind in QUIET:
        return ReturnedState.IGNORED
    if state == ReturnedState.APPLIED and news.is_undecided(outcome.told):
        return ReturnedState.UNRECOGNISED  # counted as a bounce; why it came back is open
    return state


def _fate(outcome: Outcome) -> ReturnedState:
    fates = {one.fate for one in outcome.taken}
    if Fate.FAILED in fates:
        return ReturnedState.FAILED
    if fates & {Fate.APPLIED, Fate.KNOWN}:
        return ReturnedState.APPLIED
    return ReturnedState.UNMATCHED


def _update(row: ReturnedMail, **values: object) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
