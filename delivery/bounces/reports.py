"""What a mail says of each recipient, from a report's fields or from free words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from delivery.bounces import addresses, dsn, failed, wording
from delivery.bounces.complaint import COMPLAINTS, OPT_OUTS, Complaint
from delivery.bounces.mail import Mail
from delivery.bounces.returned import Returned
from delivery.refusals.causes import Cause
from delivery.refusals.classify import Refusal, meaning, refusal
from delivery.states import Effect, EventKind, MailKind

LONGEST_TEXT: Final = 1_000
# Causes that more words may make out better; and what greetings and titles are taken for.
_VAGUE: Final = frozenset({Cause.UNDECIDED, Cause.POLICY, Cause.PROTOCOL})
_TAKEN_FOR: Final = _VAGUE | {Cause.MALFORMED}
_SAYS_LITTLE: Final = frozenset({"0.0", "5.0"})  # of a status, without its first digit


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a mail says of one recipient ("" where it hides them).

    ``recipient`` is the address that failed; ``mailed`` the one that led to it, where the mail says
    so and it is another (an alias, a forward): that is the one we know. ``code`` (0: none),
    ``enhanced`` ("": none) and ``text`` are the refusing server's.
    """

    recipient: str
    kind: EventKind
    cause: Cause
    effect: Effect
    code: int = 0
    enhanced: str = ""
    text: str = ""
    mailed: str = ""


def of_statuses(
    mail: Mail, statuses: Sequence[dsn.Status], text: str, returned: Returned
) -> list[Report]:
    """Read a report's fields beside its text; empty where nobody is named in either."""
    reports: dict[tuple[str, EventKind], Report] = {}
    everybody = [one.recipient for one in statuses]
    is_single = len(statuses) == 1
    for status in statuses:
        recipient = status.recipient
        if not recipient and is_single:
            recipient = _named_elsewhere(mail, status, text, returned)
        if not recipient:
            continue
        said = wording.said_of(recipient, text, everybody)
        report = _of_status(status, recipient, said, text if is_single else "")
        reports.setdefault((addresses.key(recipient), report.kind), report)
    return list(reports.values())


def _named_elsewhere(mail: Mail, status: dsn.Status, text: str, returned: Returned) -> str:
    found = failed.find(mail, text, returned)
    begins = f"{status.named}@".lower()
    same = (one.recipient for one in found if one.recipient.lower().startswith(begins))
    return next(same, found[0].recipient if found else "")


def _of_status(status: dsn.Status, recipient: str, said: str, text: str) -> Report:
    its, told = wording.reply_in(status.diagnostic), wording.reply_in(said)
    reply = wording.Reply(
        code=its.code or (0 if its.enhanced else told.code),
        enhanced=_more_telling(its.enhanced, status.status),
        text=status.diagnostic or told.text,
        stage=told.stage or its.stage,
    )
    kind = status.kind or EventKind.BOUNCED
    found = meaning(Cause.NONE)
    if kind is not EventKind.DELIVERED:
        found = _classified(reply, recipient, said, text)
    report = _report(recipient, kind, found, reply)
    if status.original != recipient:
        report = replace(report, mailed=status.original)
    return as_delay(report) if kind is EventKind.DELAYED else report


def _more_telling(said: str, status: str) -> str:
    """Return the status that says more: the refusing server's own, unless it says nothing."""
    if not said or said[2:] in _SAYS_LITTLE:
        return status or said
    return said


def of_words(mail: Mail, text: str, returned: Returned) -> list[Report]:
    """Read a bounce in free words: whom it is about, and why."""
    found = failed.find(mail, text, returned)
    of_all = text if len(found) == 1 else ""
    return [_of_failed(one, of_all) for one in found]


def _of_failed(one: failed.Failed, text: str) -> Report:
    reply = wording.reply_in(one.said)
    if not reply.code and not reply.enhanced and text:
        elsewhere = wording.reply_in(text)
        reply = elsewhere if elsewhere.code or elsewhere.enhanced else reply
    found = _classified(reply, one.recipient, one.said, text)
    report = _report(one.recipient, EventKind.BOUNCED, found, reply)
    return replace(report, mailed=one.mailed)


def _classified(reply: wording.Reply, recipient: str, *texts: str) -> Refusal:
    """Ask the server's own words, and where they say little what people are told."""
    found = refusal(
        code=reply.code,
        enhanced=reply.enhanced,
        text=reply.text,
        domain=recipient.rpartition("@")[2],
        stage=reply.stage or ("relayed" if reply.code else ""),
    )
    if found.cause in _VAGUE:
        for said in filter(None, texts):
            other = refusal(code=reply.code, enhanced=reply.enhanced, text=said)
            if other.cause not in _TAKEN_FOR:
                return other
    return found


def _report(recipient: str, kind: EventKind, found: Refusal, reply: wording.Reply) -> Report:
    return Report(
        recipient=recipient,
        kind=kind,
        cause=found.cause,
        effect=found.effect,
        code=reply.code,
        enhanced=reply.enhanced,
        text=" ".join(reply.text.split())[:LONGEST_TEXT],
    )


def as_delay(report: Report) -> Report:
    """Return a report as one of somebody who still tries."""
    return replace(report, kind=EventKind.DELAYED, cause=Cause.STILL_TRYING, effect=Effect.DELAY)


def of_complaint(found: Complaint) -> tuple[MailKind, list[Report]]:
    """Return what a feedback report is, and of whom: of nobody where nobody complains."""
    if found.kind in OPT_OUTS:
        kind, event, cause = MailKind.UNSUBSCRIBE_REQUEST, EventKind.UNSUBSCRIBED, Cause.OPT_OUT
    elif found.kind in COMPLAINTS:
        kind, event, cause = MailKind.COMPLAINT, EventKind.COMPLAINED, Cause.SPAM_REPORT
    else:  # "not-spam", "auth-failure", "dmarc"
        return MailKind.OTHER, []
    return kind, [_plain(one, event, cause) for one in found.recipients or ("",)]


def of_sender(mail: Mail, event: EventKind, cause: Cause) -> list[Report]:
    """Return what the writer of a mail says of themselves."""
    return [_plain(addresses.first(mail.headers.get("from")), event, cause)]


def _plain(recipient: str, event: EventKind, cause: Cause) -> Report:
    return Report(recipient=recipient, kind=event, cause=cause, effect=meaning(cause).effect)
