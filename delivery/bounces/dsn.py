"""Delivery status notifications (RFC 3464, RFC 6522, RFC 6533): fields for each recipient."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from delivery.bounces import addresses
from delivery.bounces.decoding import as_text, decoded, readable
from delivery.bounces.mail import Mail, Part
from delivery.states import EventKind

KINDS: Final = ("message/delivery-status", "message/global-delivery-status")
MOST_RECIPIENTS: Final = 500
_LARGEST: Final = 300_000
_FIELD: Final = re.compile(r"([A-Za-z][\w-]{1,60})[ \t]*:[ \t]*(.*)")
_STATUS: Final = re.compile(r"([245])\.\d{1,3}\.\d{1,3}")
_ACTIONS: Final = {
    "failed": EventKind.BOUNCED,
    "failure": EventKind.BOUNCED,
    "fail": EventKind.BOUNCED,
    "undeliverable": EventKind.BOUNCED,
    "bounced": EventKind.BOUNCED,
    "expired": EventKind.BOUNCED,
    "delayed": EventKind.DELAYED,
    "delay": EventKind.DELAYED,
    "deferred": EventKind.DELAYED,
    "delivered": EventKind.DELIVERED,
    "deliverable": EventKind.DELIVERED,
    "expanded": EventKind.DELIVERED,
    "relayed": EventKind.DELIVERED,
}
_QUOTE: Final = re.compile(r"^(?:> ?)+", re.MULTILINE)
_SUPPLEMENT: Final = re.compile(r"(?:smtp;\s*|^)([45]\d\d[ -].{0,1000})", re.IGNORECASE)
_IRONPORT: Final = re.compile(r"[45]\.\d\.\d - [\w ]{3,60} ([45]\d\d)-'")
_DIAGNOSTICS: Final = frozenset({"diagnostic-code", "x-supplementary-info"})
_RECIPIENTS: Final = frozenset({"final-recipient", "original-recipient"})
_LONGEST_DIAGNOSTIC: Final = 4_000
_BY_CLASS: Final = {"2": EventKind.DELIVERED, "4": EventKind.BOUNCED, "5": EventKind.BOUNCED}
_IN_TEXT: Final = re.compile(
    r"^((?:> ?)*)(?:Final|Original)-Recipient:", re.IGNORECASE | re.MULTILINE
)


@dataclass(kw_only=True, slots=True)
class Status:
    """One recipient's fields; ``diagnostic`` without its type."""

    original: str = ""
    final: str = ""
    named: str = ""  # what the recipient fields say, where that is no address
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    remote: str = ""
    will_retry: bool = False
    last: str = ""  # the field that was read last, which the next line may go on

    @property
    def recipient(self) -> str:
        """The address it ended at; the one we mailed where that is no whole address."""
        if self.final and "." in self.final.rpartition("@")[2]:
            return self.final
        return self.original or self.final

    @property
    def kind(self) -> EventKind | None:
        """What became of it; None where nothing is said."""
        word = self.action.partition(" ")[0].strip("();.,\"'").lower()
        if word in _ACTIONS:
            return _ACTIONS[word]
        if self.will_retry and not self.status.startswith("5"):
            return EventKind.DELAYED
        return _BY_CLASS.get(self.status[:1])


def statuses(mail: Mail) -> list[Status]:
    """Return all recipients' fields of all status parts, also of one that was pasted into text."""
    found: list[Status] = []
    for part in mail.parts:
        if part.kind in KINDS:
            found += _blocks(_fields(part))
    if not found:
        for part in mail.parts:
            if part.kind == "text/plain":
                text = part.text()
                first = _IN_TEXT.search(text)
                if first:
                    start = text.rfind("\n\n", 0, first.start())
                    pasted = text[max(0, start) :]
                    found += _blocks(_QUOTE.sub("", pasted) if first[1] else pasted)
    return found[:MOST_RECIPIENTS]


def _fields(part: Part) -> str:
    body = decoded(part.body[:_LARGEST], part.headers.get("content-transfer-encoding"))
    return as_text(body, part.parameters.get("charset", "")).replace("\r\n", "\n").replace("\0", "")


def _blocks(text: str) -> Iterator[Status]:
    """Yield each block's recipient; some programs leave the empty line between two out."""
    current = Status()
    for line in [*text.splitlines(), ""]:
        if line[:1] in {" ", "\t"} and line.strip():
            _go_on(current, line)
            continue
        named = _FIELD.match(line)
        if not line.strip() or (named and _begins_another(current, named[1].lower())):
            if current.recipient or current.named:
                yield current
                current = Status()
            elif not line.strip():
                current = Status()
        if named:
            _take(current, named[1].lower(), named[2].strip())


def _begins_another(current: Status, name: str) -> bool:
    if name == "final-recipient":
        return bool(current.final)
    return name == "original-recipient" and bool(current.original)


def _take(current: Status, name: str, value: str) -> None:
    current.last = name
    match name:
        case "final-recipient" | "original-recipient" | "x-actual-recipient":
            _take_recipient(current, name, value)
        case "action":
            current.action = value[:80]
        case "status":
            found = _STATUS.search(value)
            current.status = found[0] if found else current.status
        case "diagnostic-code":
            current.diagnostic = _without_type(value)
        case "x-supplementary-info":
            told = _SUPPLEMENT.search(value)
            current.diagnostic = current.diagnostic or (told[1].rstrip("> ") if told else "")
        case "remote-mta":
            current.remote = value.rpartition(";")[2].strip()[:255]
        case "will-retry-until":
            current.will_retry = True


def _take_recipient(current: Status, name: str, value: str) -> None:
    address = addresses.of_report(value)
    if not address:
        current.named = current.named or value.partition(";")[2].strip()[:255]
    elif name == "original-recipient":
        current.original = address
    elif name == "final-recipient" or not current.final:
        current.final = address


def _go_on(current: Status, line: str) -> None:
    """Take a folded line as the rest of the field before it."""
    if current.last == "x-supplementary-info" and not current.diagnostic:
        _take(current, current.last, line.strip())
    elif current.last in _DIAGNOSTICS and len(current.diagnostic) < _LONGEST_DIAGNOSTIC:
        current.diagnostic = f"{current.diagnostic} {line.strip()}".strip()
    elif current.last in _RECIPIENTS and not current.recipient:
        _take(current, current.last, line.strip())


def _without_type(value: str) -> str:
    """Return a diagnostic's words, without what IronPort calls each of them."""
    said = _words_of(value)
    labelled = _IRONPORT.match(said)
    return f"{labelled[1]} {said[labelled.end() :]}" if labelled else said


def _words_of(value: str) -> str:
    kind, separator, rest = value.partition(";")
    if separator and len(kind) < 20 and "@" not in kind and not kind[:1].isdigit():  # noqa: PLR2004
        return readable(rest.strip())
    return readable(value)
