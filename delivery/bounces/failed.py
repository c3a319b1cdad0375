"""Whom a bounce in free words is about.

Every program names them in its own way: in a list after a colon, alone on a line, in a sentence,
before a server's answer. Addresses are ranked by where they stand, and ours are left out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from delivery.bounces import addresses, phrases
from delivery.bounces.mail import Mail
from delivery.bounces.returned import Returned
from delivery.bounces.wording import REPLY, said_of
from delivery.refusals.causes import Cause
from delivery.refusals.classify import refusal
from delivery.refusals.words import Words

MOST_RECIPIENTS: Final = 100
# Lines that name whom a mail came from, or where to turn to.
_OF_OTHERS: Final = re.compile(
    r"^[\s>|*]*(?:from|sender(?: address)?|reply[ -]to|return[ -]path|message[ -]id|subject|"
    r"references|in-reply-to|von|absender|de|da|expéditeur|remitente|remetente|mittente|отправитель|"
    r"от кого|差出人|发件人|寄件者|보낸 사람|pengirim|dari|kimden|contact|mail from)\s*[:：=]",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"^[\s>|*-]*(?:recipients?|failed recipients?|recipient address|recipient's address|address|"
    r"addressee|user|final-recipient|original-recipient|intended recipient|mailbox|addresses|"
    r"e-?mail|e-?mail address|empfänger|destinataires?|destinatarios?|destinatários?|destinatari|"
    r"ontvanger|geadresseerde|odbiorca|adresat|получатель|адресат|alıcı|penerima|宛先|送信先|"
    r"收件人|收件者|받는 사람|수신자)\s*[:：=]",
    re.IGNORECASE,
)
_TO: Final = re.compile(
    r"^[\s>|*-]*(?:to|rcpt to|an|à|a|para|aan|do|кому|kime|kepada)\s*[:：=]", re.IGNORECASE
)
_FROM: Final = re.compile(r"\b(?:from|by|contact|sender)[\s<:]*$", re.IGNORECASE)
_TOWARDS: Final = re.compile(r"\b(?:to|for|an|à|a|para|aan|do|к|kepada|ke)\W{1,4}$", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"\((?:expanded|generated) from:?\s*<?$", re.IGNORECASE)
_FEW: Final = 3  # words before an address in a list
_WHOM: Final = re.compile(r"following|address|recipient", re.IGNORECASE)
_INTRODUCES: Final = re.compile(r"[:：]\s*$")
_ALONE: Final = re.compile(r"^[\s>|*•·-]*[<(\"'\[]?\s*$")
_AFTER: Final = re.compile(r"^[>\])\"']{0,3}\s*(?:[:;,.…]|$|\.\.\.|\(|-{1,2}\s|=)")
_NAMED: Final = re.compile(r"^\s*<[^\s<>@]{1,128}@")
_LONE_WORD: Final = re.compile(r"^[ \t]+<?([A-Za-z0-9][\w.+-]{1,63})>?[ \t]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A recipient and what was said of them."""

    recipient: str
    said: str
    mailed: str = ""  # the address that led to it, where it says


def find(mail: Mail, text: str, returned: Returned) -> list[Failed]:
    """Return whom a bounce in free words is about."""
    named = addresses.every(", ".join(mail.headers.all("x-failed-recipients")))
    if not named:
        named = _recipients(mail, text, returned)
    origins = _origins(text)
    return [
        Failed(recipient=one, said=said_of(one, text, named), mailed=origins.get(one, ""))
        for one in named[:MOST_RECIPIENTS]
    ]


def _recipients(mail: Mail, text: str, returned: Returned) -> list[str]:
    ours = _ours(mail, returned)
    tiers: tuple[list[str], ...] = ([], [], [], [])
    for tier, address in _candidates(text):
        if not addresses.is_daemon(address) or tier == 0:
            tiers[tier].append(address)
    mailed = {addresses.key(one) for one in returned.recipients}
    for ranked in tiers[:3]:
        for chosen in (
            [one for one in ranked if addresses.key(one) not in ours],
            [one for one in ranked if addresses.key(one) in mailed],
        ):
            if chosen:
                return _distinct(chosen)
    return (
        _by_local_part(mail, text)
        or _from_headers(mail, returned, ours)
        or [one for one in _distinct(tiers[3]) if addresses.key(one) not in ours]
        or _distinct(tiers[0])
    )


def _from_headers(mail: Mail, returned: Returned, ours: frozenset[str]) -> list[str]:
    """Return whom our mail was for, when the text names nobody."""
    for_whom = [
        *returned.recipients,
        *addresses.every(", ".join(mail.headers.all("x-original-to", "x-envelope-to"))),
    ]
    return [one for one in for_whom if addresses.key(one) not in ours][:1] or for_whom[:1]


def _origins(text: str) -> dict[str, str]:
    """Return which address led to which, as Sendmail and Exim write: "(expanded from: <…>)"."""
    if "ed from" not in text:
        return {}
    origins, last = {}, ""
    for start, address in addresses.found(text):
        if _ORIGIN.search(text[max(0, start - 24) : start]):
            origins[last] = address
        else:
            last = address
    return origins


def _ours(mail: Mail, returned: Returned) -> frozenset[str]:
    fields = ", ".join(mail.headers.all("to", "from", "delivered-to", "return-path", "sender"))
    return returned.senders | frozenset(map(addresses.key, addresses.every(fields)))


def _distinct(found: Iterable[str]) -> list[str]:
    kept: dict[str, str] = {}
    for one in found:
        kept.setdefault(addresses.key(one), one)
    return list(kept.values())


def _candidates(text: str) -> Iterator[tuple[int, str]]:
    """Yield addresses with how surely they are the ones that failed: 0 the most."""
    last = ""
    is_list = False
    for line in text.splitlines():
        if "@" in line and not _OF_OTHERS.match(line):
            yield from _of_line(line, last, is_list=is_list)
        if line.strip():
            if _INTRODUCES.search(line) and "@" not in line:
                said = f"{last} {line}" if last.rstrip()[-1:].isalpha() else line
                is_list = phrases.BOUNCE_BODY.are_in(Words(said)) or bool(_WHOM.search(said))
            last = line
        elif "@" in last:
            is_list = False


def _of_line(line: str, last: str, *, is_list: bool) -> Iterator[tuple[int, str]]:
    labelled, is_to = bool(_LABEL.match(line)), bool(_TO.match(line))
    reply = bool(REPLY.search(line))
    for start, address in addresses.found(line):
        before, after = line[:start], line[start + len(address) :]
        if _FROM.search(before) or _ORIGIN.search(before) or _NAMED.match(after):
            continue
        if before.rstrip().endswith("mailto:"):
            yield 3, address
        elif (
            labelled
            or (is_list and not reply and len(before.split()) <= _FEW)
            or (_ALONE.match(before) and _AFTER.match(after))
        ):
            yield 0, address
            is_list = False
        elif is_to or reply or _ALONE.match(before):
            yield 1, address
        elif (
            _TOWARDS.search(before[-20:])
            or _says_why(line)
            or phrases.BOUNCE_BODY.are_in(Words(last))
        ):
            yield 2, address
        else:
            yield 3, address


def _says_why(line: str) -> bool:
    if phrases.BOUNCE_BODY.are_in(Words(line)):
        return True
    return refusal(code=0, enhanced="", text=line).cause is not Cause.UNDECIDED


def _by_local_part(mail: Mail, text: str) -> list[str]:
    """Find a lone word below a colon: old systems name their users without a domain."""
    domain = addresses.first(mail.headers.get("from")).partition("@")[2]
    last = ""
    for line in text.splitlines():
        word = _LONE_WORD.match(line)
        if word and domain and last.rstrip().endswith(":"):
            return [f"{word[1]}@{domain.lower()}"]
        if line.strip():
            last = line
    return []
