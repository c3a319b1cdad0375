"""Complaints: feedback reports (RFC 5965, RFC 6590, RFC 6591), and the older forms of them."""

import re
from dataclasses import dataclass
from typing import Final

from delivery.bounces import addresses
from delivery.bounces.decoding import decoded
from delivery.bounces.mail import Headers, Mail, Part, fields_of
from delivery.bounces.returned import Returned

KIND: Final = "message/feedback-report"
# What a reader does; the other types are about signatures, or say that it was no spam.
COMPLAINTS: Final = frozenset({"abuse", "fraud", "virus", "other", "miscategorized", "spam"})
OPT_OUTS: Final = frozenset({"opt-out", "opt-out-list", "unsubscribe"})
_FIELD: Final = re.compile(r"^Feedback-Type:[ \t]*[A-Za-z]", re.IGNORECASE | re.MULTILINE)
_REDACTED: Final = re.compile(
    r"redacted|undisclosed|hidden|withheld|removed|anonymi[sz]ed|^x+@|^\W*@", re.IGNORECASE
)
_ORIGINAL: Final = ("x-hmxmroriginalrecipient", "x-original-rcpt", "x-rcpt-to", "x-apparently-to")


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """``kind`` as the report says, lower case; ``recipients`` are empty where it hides them."""

    kind: str
    recipients: tuple[str, ...]


def find(mail: Mail, returned: Returned) -> Complaint | None:
    """Return the complaint that a mail is, or None."""
    part = mail.first(KIND)
    if part is not None:
        body = decoded(part.body[:100_000], part.headers.get("content-transfer-encoding"))
        fields = Headers(fields_of(body.lstrip(b"\r\n \t")))
        kind = fields.get("feedback-type").lower()[:40] or "abuse"
        return Complaint(kind=kind, recipients=_recipients(fields, returned))
    pasted = next(filter(None, map(_pasted, mail.texts())), None)
    if pasted is not None:
        return Complaint(
            kind=pasted.get("feedback-type").lower()[:40], recipients=_recipients(pasted, returned)
        )
    if mail.parameters.get("report-type") == "feedback-report":
        return Complaint(kind="abuse", recipients=_recipients(Headers(), returned))
    if _is_of_hotmail(mail, returned):
        return Complaint(kind="abuse", recipients=_recipients(Headers(), returned))
    return None


def _pasted(part: Part) -> Headers | None:
    """Return a report's fields where they stand in text, as some gateways leave them."""
    text = part.text()
    start = _FIELD.search(text)
    if start is None:
        return None
    begin = max(0, text.rfind("\n\n", 0, start.start()))
    fields = text[begin:].strip("\n").partition("\n\n")[0]
    return Headers(fields_of(fields.encode("utf-8", "replace")))


def _is_of_hotmail(mail: Mail, returned: Returned) -> bool:
    """Say whether Outlook.com's programme sent it: a copy, and a subject of its own."""
    return bool(returned.headers) and (
        "x-hmxmroriginalrecipient" in mail.headers
        or "x-hmxmroriginalrecipient" in returned.headers
        or mail.headers.get("subject").lower().startswith("complaint about message from")
    )


def _recipients(fields: Headers, returned: Returned) -> tuple[str, ...]:
    stated = [
        *fields.all("original-rcpt-to", "redacted-address", "removal-recipient"),
        *returned.headers.all(*_ORIGINAL),
    ]
    found = [address for value in stated for address in addresses.every(value)]
    if not found:
        found = [one for one in returned.recipients if addresses.key(one) not in returned.senders]
    shown = (one for one in found if not _REDACTED.search(one))
    return tuple(dict.fromkeys(shown))[:100]
