"""The links of a mail: where each leads, how often it stands there, whether it is tracked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Final

from campaigns.rendering.markup import elements
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.sandbox.parts import Mail

MOST: Final = 300
LONGEST_ADDRESS: Final = 2_000
LONGEST_WORDS: Final = 120
_IN_TEXT: Final = re.compile(r"\bhttps?://[^\s<>\"]{1,2000}", re.IGNORECASE)
_PIXEL: Final = re.compile(r"/o/([\w-]{10,60})\.gif", re.ASCII)
_CLICK: Final = re.compile(r"/c/([\w-]{10,60})/([0-9]{1,5})/?(?:[?#]|$)", re.ASCII)
_OWN: Final = re.compile(r"/([upv])/([\w-]{10,60})/?(?:[?#]|$)", re.ASCII)
_OWN_PURPOSE: Final = {
    "u": Purpose.UNSUBSCRIBE,
    "p": Purpose.PREFERENCES,
    "v": Purpose.VIEW,
}
_OPENABLE: Final = ("http://", "https://", "mailto:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One address; ``ordinal`` is a tracked link's number, ``purpose`` that of our own pages."""

    address: str
    words: str
    copies: int = 1
    in_html: bool = True
    ordinal: int = 0
    purpose: Purpose | None = None
    target: str = ""  # of a tracked link, as its author wrote it

    @property
    def leads_to(self) -> str:
        """The address that opens it without counting a click; "" where none may be opened."""
        address = self.target or ("" if self.ordinal else self.address)
        is_whole = "{{" not in address and "{%" not in address
        return address if is_whole and address.lower().startswith(_OPENABLE) else ""


def links_of(
    mail: Mail, ledger_id: int | None, targets: Mapping[int, str]
) -> tuple[list[Link], bool]:
    """Return a mail's links, each address once, and whether there are more than `MOST`.

    ``targets`` are the campaign's links by number; a link is tracked when its token is one of ours
    for this very message.
    """
    found: dict[str, Link] = {}
    for address, words, in_html in _every(mail):
        known = found.get(address)
        if known is not None:
            found[address] = replace(known, copies=known.copies + 1, words=known.words or words)
        elif len(found) >= MOST:
            return list(found.values()), True
        else:
            found[address] = _link(address, words, ledger_id, targets, in_html=in_html)
    return list(found.values()), False


def pixel_of(mail: Mail, ledger_id: int | None) -> bool:
    """Say whether a mail holds this message's open pixel."""
    return any(
        ledger_id is not None and tokens.read(token, Purpose.TRACK) == ledger_id
        for token in set(_PIXEL.findall(mail.html))
    )


def one_click_of(mail: Mail, ledger_id: int | None) -> str:
    """Return the token by which a mail program would unsubscribe; "" where it could not."""
    if "one-click" not in mail.get("list-unsubscribe-post").lower():
        return ""
    for address in re.findall(r"<(https?://[^<>\s]{1,2000})>", mail.get("list-unsubscribe")):
        own = _OWN.search(address)
        if own and own[1] == "u" and tokens.read(own[2], Purpose.UNSUBSCRIBE) == ledger_id:
            return own[2]
    return ""


def _every(mail: Mail) -> Iterator[tuple[str, str, bool]]:
    html = mail.html
    open_at, address = 0, ""
    for tag in elements(html):
        if tag.in_comment or tag.name not in {"a", "area"}:
            continue
        if address:
            yield address, _words(html[open_at : tag.start]), True
            address = ""
        if not tag.closes:
            address = " ".join((tag.get("href") or "").split())[:LONGEST_ADDRESS]
            open_at = tag.end
    if address:
        yield address, _words(html[open_at : open_at + 2_000]), True
    for found in _IN_TEXT.finditer(mail.text):
        yield found[0].rstrip(".,;:!?)]}'"), "", False


def _words(html: str) -> str:
    """Return a link's words; of a picture, its alternative text."""
    pieces: list[str] = []
    at = 0
    piece = html[:5_000]
    for tag in elements(piece):
        pieces.append(piece[at : tag.start])
        at = tag.end
        if tag.name == "img":
            pieces.append(f" {tag.get('alt') or ''} ")
    pieces.append(piece[at:])
    return " ".join(unescape("".join(pieces)).split())[:LONGEST_WORDS]


def _link(
    address: str, words: str, ledger_id: int | None, targets: Mapping[int, str], *, in_html: bool
) -> Link:
    plain = Link(address=address, words=words, in_html=in_html)
    click = _CLICK.search(address)
    if click and ledger_id is not None and tokens.read(click[1], Purpose.TRACK) == ledger_id:
        number = int(click[2])
        return replace(plain, ordinal=number, target=targets.get(number, ""))
    own = _OWN.search(address)
    if own and tokens.read(own[2], _OWN_PURPOSE[own[1]]) is not None:
        return replace(plain, purpose=_OWN_PURPOSE[own[1]])
    return plain
