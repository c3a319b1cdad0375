"""Senders as people type them: ``News @ Kopi <news@example.com>``, ``Nëws, Ltd <news@…>``.

RFC 5322 wants quotes around most names; nobody writes them. What stands before the last angle
bracket is the name, whatever it holds.
"""

import re
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.utils import parseaddr

_BRACKETS = str.maketrans("＜＞＠", "<>@")
_IN_BRACKETS = re.compile(r"(?P<name>.*)<\s*+(?:mailto:)?(?P<address>[^<>]*)>", re.DOTALL)
_WITH_COMMENT = re.compile(r"(?P<address>[^\s()<>,]+@[^\s()<>,]+)\s*+\((?P<name>.*)\)", re.DOTALL)
_IN_PARENTHESES = re.compile(r"(?P<name>.*)[(\[](?P<address>[^\s()\[\]<>,]+@[^\s()\[\]<>,]+)[)\]]")
_ALONE = re.compile(r"(?:(?P<name>[^@]*)\s)?(?:mailto:)?(?P<address>[^\s<>]+)")
_ADDRESS = re.compile(r"[^\s@<>(),;:\[\]\"\\]+@[^\s@<>(),;:\[\]\"\\]+|\"[^\"\r\n]+\"@[^\s@<>()]+")
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb"}
_ENCODED = re.compile(r"=\?[^?\s]+\?[bq]\?[^?]*\?=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sender:
    """A name ("" without one) and an address."""

    name: str
    address: str

    def __str__(self) -> str:
        """Write it as a header would hold it: quoted where the name needs it."""
        if not self.name:
            return self.address
        if parseaddr(f"{self.name} <{self.address}>") == (self.name, self.address):
            return f"{self.name} <{self.address}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.address}>'


class SenderError(ValueError):
    """There is no address in it, or more than one."""


def understand(text: str) -> Sender:
    """Read a sender as people type it.

    Raises:
        SenderError: no address can be made out.
    """
    given = " ".join(text.translate(_BRACKETS).split())
    for pattern in (_IN_BRACKETS, _WITH_COMMENT, _IN_PARENTHESES, _ALONE):
        match = pattern.fullmatch(given)
        if match is None:
            continue
        address = match["address"].strip()
        name = _name(match["name"] or "")
        if _ADDRESS.fullmatch(address) and name.isprintable() and "<" not in name:
            return Sender(name, address)
    raise SenderError(text)


def understood(text: str) -> Sender:
    """Read a sender that is stored; both parts are empty when it is none."""
    try:
        return understand(text)
    except SenderError:
        return Sender("", "")


def _name(written: str) -> str:
    name = written.strip()
    while len(name) > 1 and _QUOTES.get(name[0]) == name[-1]:
        inside = name[1:-1]
        name = (re.sub(r"\\(.)", r"\1", inside) if name[0] == '"' else inside).strip()
    if _ENCODED.search(name):
        try:
            name = str(make_header(decode_header(name)))
        except (ValueError, LookupError):
            return name
    return name
