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

from delivery.bounces import addresses, complaint, dsn, notification, reports, wording
from delivery.bounces import returned as returns
from delivery.bounces.decoding import decoded
from delivery.bounces.evidence import Evidence
from delivery.bounces.mail import LARGEST, Mail, parse
from delivery.bounces.reports import Report
from delivery.bounces.returned import Returned
from delivery.refusals.causes import Cause
from delivery.states import Effect, EventKind, MailKind

__all__ = ["MailKind", "Reading", "Report", "read"]

log = structlog.get_logger()

_MOST_WRAPPED: Final = 2  # reports in mails in mails
_LONGEST_SUBJECT: Final = 500
_YEARS: Final = range(1990, 2200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a mail says.

    ``header_id``: the Message-ID of ours that it returns, without angle brackets. ``tokens``: what
    may be tokens of ours (`delivery.mime.tokens`), unproven. ``provider_ids``: a provider's names
    of the mail. ``feedback_type`` of a complaint (RFC 5965), lower case. ``at``: when it was
    written, as it says. ``is_truncated``: it was larger, or had more parts, than what is read.
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
    except Exception:
        # Whatever strangers send: it is kept by whoever asked, and shown as not understood.
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
    told = notification.parse(text)
    complained = complaint.find(mail, returned) or notification.complaint(told)
    if complained is not None:
        kind, found_reports = reports.of_complaint(complained)
    else:
        kind, found_reports = _answer(mail, wording.without_copy(text, returned), returned, told)
    subject = mail.headers.get("subject")[:_LONGEST_SUBJECT]
    names = (notification.provider_id(told), *returns.provider_ids(returned))
    return Reading(
        kind=kind,
        reports=tuple(found_reports),
        header_id=returns.header_id(returned),
        tokens=returns.tokens(mail, returned, subject=subject),
        provider_ids=tuple(dict.fromkeys(filter(None, names))),
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


def _answer(
    mail: Mail, text: str, returned: Returned, told: dict[str, Any]
) -> tuple[MailKind, list[Report]]:
    """Say what a mail is that nobody complains in: the careful questions first."""
    evidence = Evidence(mail, returned, text)
    statuses = notification.statuses(told) or dsn.statuses(mail)
    if mail.parameters.get("report-type") == "disposition-notification":
        return MailKind.OTHER, []  # a receipt (RFC 8098): it says that somebody saw or deleted it
    if evidence.is_absence_note and not (statuses and evidence.is_from_a_daemon):
        return _automatic(mail, MailKind.AUTO_REPLY, Cause.ABSENCE_NOTE)
    if evidence.is_challenge and not evidence.is_from_a_daemon:
        return _automatic(mail, MailKind.CHALLENGE, Cause.CHALLENGE)
    by_status = reports.of_statuses(mail, statuses, text, returned)
    if by_status:
        return _kind_of(by_status), by_status
    return _bounce(evidence) or _written(evidence)


def _kind_of(found: list[Report]) -> MailKind:
    kinds = {report.kind for report in found}
    if EventKind.BOUNCED in kinds:
        return MailKind.BOUNCE
    return MailKind.DELAY if EventKind.DELAYED in kinds else MailKind.DELIVERY_NOTE


def _automatic(mail: Mail, kind: MailKind, cause: Cause) -> tuple[MailKind, list[Report]]:
    return kind, reports.of_sender(mail, EventKind.AUTO_REPLIED, cause)


def _bounce(evidence: Evidence) -> tuple[MailKind, list[Report]] | None:
    """Return a bounce or delay in free words, if it is one."""
    found = reports.of_words(evidence.mail, evidence.text, evidence.returned)
    has_reason = any(report.effect is not Effect.UNDECIDED for report in found)
    if not evidence.is_bounce(has_reason=has_reason):
        return None
    if evidence.is_delay:
        return MailKind.DELAY, [reports.as_delay(report) for report in found]
    return MailKind.BOUNCE, found


def _written(evidence: Evidence) -> tuple[MailKind, list[Report]]:
    """Return what a mail is that somebody, or some program, wrote to us."""
    mail = evidence.mail
    if evidence.is_marked_automatic:
        return _automatic(mail, MailKind.AUTO_REPLY, Cause.ABSENCE_NOTE)
    if evidence.is_unsubscribe_request():
        found = reports.of_sender(mail, EventKind.UNSUBSCRIBED, Cause.OPT_OUT)
        return MailKind.UNSUBSCRIBE_REQUEST, found
    return MailKind.OTHER, []
