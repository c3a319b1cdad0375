"""Bounces in free words: whom they are about, and what the server said of each."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from delivery.bounces import addresses, phrases
from delivery.bounces.mail import Mail, Part
from delivery.bounces.returned import WHOLE, Returned
from delivery.refusals.words import Words

LONGEST: Final = 60_000  # characters of text that are read
MOST_RECIPIENTS: Final = 100
_SEGMENT: Final = 1_500
_REPLY: Final = re.compile(
    r"(?<![\w.@/:#-])([45]\d\d)[ \t]*(?:[-#]|[ \t]|$)[ \t#]{0,3}(?:([245]\.\d{1,3}\.\d{1,3})\b)?",
    re.MULTILINE,
)
_STATUS: Final = re.compile(r"(?<![\d.])#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_AFTER_DATA: Final = re.compile(
    r"in reply to end of DATA|after end of data|end of data\b|in reply to DATA|after DATA\b",
    re.IGNORECASE,
)
# Lines that name whom a mail came from, or where to turn to.
_OF_OTHERS: Final = re.compile(
    r"^[\s>|*]*(?:from|sender|reply[ -]to|return[ -]path|message[ -]id|subject|references|"
    r"in-reply-to|von|absender|de|da|expéditeur|remitente|remetente|mittente|отправитель|от кого|"
    r"差出人|发件人|寄件者|보낸 사람|pengirim|dari|kimden|contact|mail from)\s*[:：=]",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"^[\s>|*-]*(?:to|recipients?|failed recipients?|recipient address|recipient's address|address|"
    r"addressee|user|final-recipient|original-recipient|intended recipient|mailbox|rcpt to|"
    r"addresses|e-?mail|e-?mail address|an|empfänger|destinataires?|à|para|destinatarios?|"
    r"destinatários?|destinatari|a|aan|ontvanger|geadresseerde|do|odbiorca|adresat|получатель|"
    r"кому|адресат|kime|alıcı|kepada|penerima|宛先|送信先|收件人|收件者|받는 사람|수신자)\s*[:：=]",
    re.IGNORECASE,
)
_ALONE: Final = re.compile(r"^[\s>|*•·-]*[<(\"'\[]?\s*$")
_AFTER: Final = re.compile(r"^[>\])\"']{0,3}\s*(?:[:;,.…]|$|\.\.\.|\(|-{1,2}\s|=)")
_SPOKEN: Final = re.compile(r"(?:^|[\s<(\[])(?:RCPT TO|did not like our|to)\b", re.IGNORECASE)
_LONE_WORD: Final = re.compile(r"^[ \t]+<?([A-Za-z0-9][\w.+-]{1,63})>?[ \t]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A recipient and what was said of them."""

    recipient: str
    said: str


def notification(mail: Mail) -> str:
    """Return what people read before the copy of ours: plain text, else HTML without tags."""
    parts = list(_before_the_copy(mail))
    plain = [part for part in parts if part.kind != "text/html"]
    kept: list[str] = []
    room = LONGEST
    for part in [*(plain or parts)]:
        kept.append(part.text()[:room])
        room -= len(kept[-1])
        if room <= 0:
            break
    text = "\n".join(kept)
    if not text.strip() and plain:
        text = "\n".join(part.text() for part in parts if part.kind == "text/html")[:LONGEST]
    return text


def _before_the_copy(mail: Mail) -> Iterator[Part]:
    for part in mail.parts:
        if part.kind in WHOLE:
            return
        if part.kind.startswith("text/") or part.kind in {"message/plain", "application/text"}:
            yield part


def without_copy(text: str, returned: Returned) -> str:
    """Cut the copy of our mail off, where it stands in the same text."""
    if returned.in_text >= 0:
        text = text[: returned.in_text]
    at = 0
    for line in text.splitlines(keepends=True):
        if at and len(line) < 200 and phrases.COPY_BEGINS.are_in(Words(line)):  # noqa: PLR2004
            return text[:at]
        at += len(line)
    return text


def failed(mail: Mail, text: str, returned: Returned) -> list[Failed]:
    """Return whom a bounce in free words is about."""
    named = addresses.every(", ".join(mail.headers.all("x-failed-recipients")))
    if not named:
        named = _recipients(mail, text, returned)
    return [
        Failed(recipient=one, said=said_of(one, text, named)) for one in named[:MOST_RECIPIENTS]
    ]


def _recipients(mail: Mail, text: str, returned: Returned) -> list[str]:
    ours = _ours(mail, returned)
    tiers: tuple[list[str], ...] = ([], [], [])
    last = ""
    for line in text.splitlines():
        for tier, address in _of_line(line, last):
            if not addresses.is_daemon(address) or tier == 0:
                tiers[tier].append(address)
        if line.strip():
            last = line
    mailed = {addresses.key(one) for one in returned.recipients}
    for tier in tiers:
        for chosen in (
            [one for one in tier if addresses.key(one) not in ours],
            [one for one in tier if addresses.key(one) in mailed],
        ):
            if chosen:
                return _distinct(chosen)
    fallback = (
        *_distinct(one for one in returned.recipients if addresses.key(one) not in ours),
        *addresses.every(", ".join(mail.headers.all("x-original-to", "x-envelope-to"))),
    )
    if fallback:
        return [one for one in fallback if addresses.key(one) not in ours][:1] or [fallback[0]]
    return _distinct(tiers[0]) or _by_local_part(mail, text)


def _ours(mail: Mail, returned: Returned) -> frozenset[str]:
    fields = ", ".join(mail.headers.all("to", "from", "delivered-to", "return-path", "sender"))
    return returned.senders | frozenset(map(addresses.key, addresses.every(fields)))


def _distinct(found: Iterable[str]) -> list[str]:
    kept: dict[str, str] = {}
    for one in found:
        kept.setdefault(addresses.key(one), one)
    return list(kept.values())


def _of_line(line: str, last: str) -> Iterator[tuple[int, str]]:
    """Yield addresses with how surely they are the ones that failed: 0 the most."""
    if "@" not in line or _OF_OTHERS.match(line):
        return
    labelled = bool(_LABEL.match(line))
    reply = bool(_REPLY.search(line))
    for start, address in addresses.found(line):
        before, after = line[:start], line[start + len(address) :]
        if before.rstrip().endswith("mailto:"):
            yield 2, address
        elif labelled or (_ALONE.match(before) and _AFTER.match(after)):
            yield 0, address
        elif reply or _ALONE.match(before):
            yield 1, address
        elif phrases.BOUNCE_BODY.are_in(Words(line)) or phrases.BOUNCE_BODY.are_in(Words(last)):
            yield 1, address
        else:
            yield 2, address


def _by_local_part(mail: Mail, text: str) -> list[str]:
    """Find a lone word below a sentence with a colon: old systems name their users without domain."""
    domain = addresses.first(mail.headers.get("from")).partition("@")[2]
    last = ""
    for line in text.splitlines():
        word = _LONE_WORD.match(line)
        if word and domain and last.rstrip().endswith(":"):
            return [f"{word[1]}@{domain.lower()}"]
        if line.strip():
            last = line
    return []


def said_of(recipient: str, text: str, others: Iterable[str] = ()) -> str:
    """Return what the text says of one recipient: from their address on, to the next one's."""
    lowered = text.lower()
    at = lowered.find(recipient.lower())
    if at < 0:
        return text[:_SEGMENT]
    end = min(len(text), at + _SEGMENT)
    for other in others:
        if other.lower() != recipient.lower():
            place = lowered.find(other.lower(), at + len(recipient), end)
            if place >= 0:
                end = place
    return text[text.rfind("\n", 0, at) + 1 : end]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A server's answer inside a text; ``code`` 0 and ``enhanced`` "" where it has none."""

    code: int = 0
    enhanced: str = ""
    text: str = ""
    after_data: bool = False


def reply_in(text: str) -> Reply:
    """Find the server's answer in a text: the last final one (5xx), else the last (4xx)."""
    best: re.Match[str] | None = None
    for found in _REPLY.finditer(text[:_SEGMENT * 2]):
        if best is None or found[1][0] >= best[1][0]:
            best = found
    after_data = bool(_AFTER_DATA.search(text))
    if best is None:
        status = _STATUS.search(text)
        return Reply(enhanced=status[1] if status else "", text=text, after_data=after_data)
    words = text[best.start() : best.start() + 800].partition("\n\n")[0]
    status = _STATUS.search(words)
    return Reply(
        code=int(best[1]),
        enhanced=best[2] or (status[1] if status else ""),
        text=words,
        after_data=after_data,
    )
