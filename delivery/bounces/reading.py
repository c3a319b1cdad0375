"""From the bytes of a mail that came back to what it says. Pure: no database, no network.

`read` never raises, and its time and memory are bounded whatever it is given (`mail`). It says what
the mail is, whom it is about, and what may name the message of ours that it answers; whether to
believe that is for `delivery.events`. Automatic answers and delays are told before any rule about
words of failure: taking one for a bounce would cost a subscriber.
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import structlog

from delivery.bounces import addresses, complaint, dsn, notification, wording
from delivery.bounces import returned as returns
from delivery.bounces.evidence import Evidence
from delivery.bounces.mail import LARGEST, Mail, decoded, parse
from delivery.bounces.returned import Returned
from delivery.refusals.causes import Cause
from delivery.refusals.classify import Refusal, meaning, refusal
from delivery.states import Effect, EventKind, MailKind

log = structlog.get_logger()

LONGEST_TEXT: Final = 1_000
_MOST_WRAPPED: Final = 2
_YEARS: Final = range(1990, 2200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a mail says of one recipient ("" where it hides them).

    ``recipient`` is the address that failed; ``mailed`` the one that led to it, where the mail says
    so and it is another (an alias, a forward): that is the one we know. ``code`` (0: none), ``enhanced`` ("": none) and ``text`` are the refusing server's.
    """

    recipient: str
    kind: EventKind
    cause: Cause
    effect: Effect
    code: int = 0
    enhanced: str = ""
    text: str = ""
    mailed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a mail says.

    ``header_id``: the Message-ID of ours that it returns, without angle brackets. ``tokens``: what
    may be tokens of ours (`delivery.mime.tokens`), unproven. ``provider_ids``: a provider's names of
    the mail. ``feedback_type`` of a complaint (RFC 5965), lower case. ``at``: when it was written,
    as it says. ``is_truncated``: it was larger than what is read.
    """

    kind: MailKind
    reports: tuple[Report, ...] = ()
    header_id: str = ""
    tokens: tuple[str, ...] = ()
    provider_ids: tuple[str, ...] = ()
    feedback_type: str = ""
    subject: str = ""
    at: datetime | None = None
    is_truncated: bool = False


def read(raw: bytes) -> Reading:
    """Read a mail that came back; any bytes will do."""
    try:
        return _read(parse(raw), depth=0)
    except Exception:  # noqa: BLE001 - whatever strangers send: it is kept, and shown as not understood
        log.warning("mail_could_not_be_read", size=len(raw), exc_info=True)
        return Reading(kind=MailKind.OTHER, is_truncated=len(raw) > LARGEST)


def _read(mail: Mail, *, depth: int) -> Reading:
    inner = _wrapped(mail) if depth < _MOST_WRAPPED else None
    if inner is not None:
        found = _read(inner, depth=depth + 1)
        if found.kind is not MailKind.OTHER:
            return replace(found, is_truncated=found.is_truncated or mail.is_truncated)
    text = wording.notification(mail)
    returned = returns.find(mail, text)
    subject = mail.headers.get("subject")[:500].replace("\0", "")
    told = notification.parse(text)
    complained = complaint.find(mail, returned) or notification.complaint(told)
    if complained is not None:
        kind, reports = _complaint(complained)
    else:
        kind, reports = _answer(mail, wording.without_copy(text, returned), returned, told)
    names = (notification.provider_id(told), *returns.provider_ids(returned))
    return Reading(
        kind=kind,
        reports=tuple(reports),
        header_id=returns.header_id(returned),
        tokens=returns.tokens(mail, returned, subject=subject),
        provider_ids=tuple(dict.fromkeys(name for name in names if name)),
        feedback_type=complained.kind if complained else "",
        subject=subject,
        at=_date(mail),
        is_truncated=mail.is_truncated,
    )


def _wrapped(mail: Mail) -> Mail | None:
    """Return the report inside a mail that is none itself: some gateways wrap what passes them."""
    part = mail.first("message/rfc822")
    if part is None or mail.first(*dsn.KINDS, complaint.KIND):
        return None
    inner = parse(decoded(part.body, part.headers.get("content-transfer-encoding")))
    sender = addresses.first(inner.headers.get("from"))
    is_report = inner.parameters.get("report-type") in {"delivery-status", "feedback-report"}
    return inner if is_report and (addresses.is_daemon(sender) or inner.first(*dsn.KINDS)) else None


def _date(mail: Mail) -> datetime | None:
    with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
        at = parsedate_to_datetime(mail.headers.get("date")[:100])
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at if at.year in _YEARS else None
    return None


def _complaint(found: complaint.Complaint) -> tuple[MailKind, list[Report]]:
    if found.kind in complaint.OPT_OUTS:
        kind, event, cause = MailKind.UNSUBSCRIBE_REQUEST, EventKind.UNSUBSCRIBED, Cause.OPT_OUT
    elif found.kind in complaint.COMPLAINTS:
        kind, event, cause = MailKind.COMPLAINT, EventKind.COMPLAINED, Cause.SPAM_REPORT
    else:  # "not-spam", "auth-failure", "dmarc": nobody complains
        return MailKind.OTHER, []
    effect = meaning(cause).effect
    return kind, [
        Report(recipient=one, kind=event, cause=cause, effect=effect)
        for one in found.recipients or ("",)
    ]


def _answer(
    mail: Mail, text: str, returned: Returned, told: dict[str, Any]
) -> tuple[MailKind, list[Report]]:
    evidence = Evidence(mail, returned, text)
    statuses = notification.statuses(told) or dsn.statuses(mail)
    if mail.parameters.get("report-type") == "disposition-notification":
        return MailKind.OTHER, []
    if evidence.is_absence_note and not (statuses and evidence.is_from_a_daemon):
        return _automatic(mail, MailKind.AUTO_REPLY, Cause.ABSENCE_NOTE)
    if statuses:
        found = _by_status(mail, statuses, text, evidence)
        if found is not None:
            return found
    if evidence.is_challenge:
        return _automatic(mail, MailKind.CHALLENGE, Cause.CHALLENGE)
    failed = wording.failed(mail, text, returned)
    reports = [_by_words(one, text if len(failed) == 1 else "") for one in failed]
    has_reason = any(one.effect is not Effect.UNDECIDED for one in reports)
    if reports and evidence.is_bounce(has_reason=has_reason):
        if evidence.is_delay:
            return MailKind.DELAY, [_as_delay(one) for one in reports]
        return MailKind.BOUNCE, reports
    if evidence.is_bounce(has_reason=False):
        return MailKind.BOUNCE, []
    if evidence.is_marked_automatic:
        return _automatic(mail, MailKind.AUTO_REPLY, Cause.ABSENCE_NOTE)
    if evidence.is_unsubscribe_request():
        return _unsubscribe(mail)
    return MailKind.OTHER, []


def _automatic(mail: Mail, kind: MailKind, cause: Cause) -> tuple[MailKind, list[Report]]:
    sender = addresses.first(mail.headers.get("from"))
    effect = meaning(cause).effect
    return kind, [Report(recipient=sender, kind=EventKind.AUTO_REPLIED, cause=cause, effect=effect)]


def _unsubscribe(mail: Mail) -> tuple[MailKind, list[Report]]:
    return MailKind.UNSUBSCRIBE_REQUEST, [
        Report(
            recipient=addresses.first(mail.headers.get("from")),
            kind=EventKind.UNSUBSCRIBED,
            cause=Cause.OPT_OUT,
            effect=Effect.UNSUBSCRIBE,
        )
    ]


def _as_delay(report: Report) -> Report:
    return replace(report, kind=EventKind.DELAYED, cause=Cause.STILL_TRYING, effect=Effect.DELAY)


def _by_words(failed: wording.Failed, text: str) -> Report:
    reply = wording.reply_in(failed.said)
    if not reply.code and not reply.enhanced and text != failed.said:
        elsewhere = wording.reply_in(text)
        reply = elsewhere if elsewhere.code or elsewhere.enhanced else reply
    found = _classified(reply, failed.recipient)
    if found.cause in _VAGUE:
        found = _by_more_words(found, reply, failed.said, text)
    report = _report(failed.recipient, EventKind.BOUNCED, found, reply)
    return replace(report, mailed=failed.mailed)


_VAGUE: Final = frozenset({Cause.UNDECIDED, Cause.POLICY, Cause.PROTOCOL})


def _classified(reply: wording.Reply, recipient: str) -> Refusal:
    return refusal(
        code=reply.code,
        enhanced=reply.enhanced,
        text=reply.text,
        domain=recipient.rpartition("@")[2],
        stage=reply.stage or ("relayed" if reply.code else ""),
    )


def _by_more_words(found: Refusal, reply: wording.Reply, *texts: str) -> Refusal:
    """Ask what people are told, where the server's own words say little."""
    for said in texts:
        other = refusal(code=reply.code, enhanced=reply.enhanced, text=said[:2_000])
        if other.cause not in _VAGUE:
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


def _by_status(
    mail: Mail, statuses: list[dsn.Status], text: str, evidence: Evidence
) -> tuple[MailKind, list[Report]] | None:
    """Read a report's fields; None where they name nobody, and words must do."""
    reports: dict[tuple[str, EventKind], Report] = {}
    everybody = [one.recipient for one in statuses]
    of_all = text if len(statuses) == 1 else ""
    failing = [one for one in statuses if one.recipient or len(statuses) == 1]
    for status in failing:
        recipient = status.recipient or _named_elsewhere(mail, status, text, evidence)
        kind = status.kind or EventKind.BOUNCED
        if recipient:
            said = wording.said_of(recipient, text, everybody)
            report = _of_status(status, recipient, kind, said, of_all)
            mailed = status.original if status.original != recipient else ""
            reports.setdefault((addresses.key(recipient), kind), replace(report, mailed=mailed))
    if not reports:
        return None
    kinds = {report.kind for report in reports.values()}
    if EventKind.BOUNCED in kinds:
        kind = MailKind.BOUNCE
    else:
        kind = MailKind.DELAY if EventKind.DELAYED in kinds else MailKind.DELIVERY_NOTE
    return kind, list(reports.values())


def _named_elsewhere(mail: Mail, status: dsn.Status, text: str, evidence: Evidence) -> str:
    failed = wording.failed(mail, text, evidence.returned)
    if status.named:
        for one in failed:
            if one.recipient.lower().startswith(f"{status.named.lower()}@"):
                return one.recipient
    return failed[0].recipient if failed else ""


def _of_status(status: dsn.Status, recipient: str, kind: EventKind, said: str, text: str) -> Report:
    reply = wording.reply_in(status.diagnostic)
    in_text = wording.reply_in(said)
    reply = wording.Reply(
        code=reply.code or (in_text.code if not reply.enhanced else 0),
        enhanced=_more_telling(reply.enhanced, status.status),
        text=status.diagnostic or in_text.text,
        stage=in_text.stage or reply.stage,
    )
    if kind is EventKind.DELIVERED:
        return Report(
            recipient=recipient,
            kind=kind,
            cause=Cause.NONE,
            effect=Effect.NONE,
            code=reply.code,
            enhanced=reply.enhanced,
            text=reply.text[:LONGEST_TEXT],
        )
    found = _classified(reply, recipient)
    if found.cause in _VAGUE:
        found = _by_more_words(found, reply, said, text)
    report = _report(recipient, kind, found, reply)
    return _as_delay(report) if kind is EventKind.DELAYED else report


def _more_telling(said: str, status: str) -> str:
    """Return the status of the two that says more: the refusing server's own, unless it is empty."""
    if not said or said[2:] in {"0.0", "5.0"}:
        return status or said
    return said
