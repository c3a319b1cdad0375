"""Header fields that hold people's text: RFC 5322 folding, RFC 2047 encoded words, IDNA domains."""

import re
from base64 import b64encode
from functools import lru_cache

import idna

from campaigns.rendering.escapes import one_line

MAX_LINE = 76
_ENCODED_WORD = 75  # RFC 2047 §2
_CHARSET_ROOM = len("=?utf-8?q??=")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_LONGEST_WORD = 900  # of 998 octets in a line (RFC 5322 §2.1.1)
_LONGEST_PLAIN_NAME = 60


class AddressError(ValueError):
    """The address can't be written to: its domain is not one that exists in the DNS."""


def unstructured(name: str, value: str) -> bytes:
    """Return a field such as Subject, folded, with its line end. Any text is safe."""
    text = one_line(value)
    used = len(name) + 2
    if text.isascii() and "=?" not in text:
        if used + len(text) <= MAX_LINE and text == text.strip():
            return f"{name}: {text}\r\n".encode()
        words = text.split(" ")
        if all(words) and max(map(len, words)) < _LONGEST_WORD:
            return f"{name}: {_folded(words, used)}\r\n".encode()
    return f"{name}: {encoded_words(text, used)}\r\n".encode()


def _folded(words: list[str], used: int) -> str:
    lines: list[str] = []
    line = words[0]
    for word in words[1:]:
        if (used if not lines else 1) + len(line) + 1 + len(word) > MAX_LINE:
            lines.append(line)
            line = word
        else:
            line += " " + word
    lines.append(line)
    return "\r\n ".join(lines)


def encoded_words(text: str, used: int) -> str:
    """Encode as RFC 2047 words, split between characters; ``used`` columns of line 1 are taken."""
    raw = text.encode("utf-8", "replace")
    quoted_size = sum(1 if byte in _Q_SAFE or byte == ord(" ") else 3 for byte in raw)
    quoted = quoted_size <= len(raw) * 4 / 3
    words: list[str] = []
    held = bytearray()
    size = 0
    room = min(_ENCODED_WORD, MAX_LINE - used) - _CHARSET_ROOM
    for letter in text:
        encoded = letter.encode("utf-8", "replace")
        cost = (
            sum(1 if byte in _Q_SAFE or byte == ord(" ") else 3 for byte in encoded)
            if quoted
            else len(encoded)
        )
        limit = room if quoted else room // 4 * 3
        if held and size + cost > limit:
            words.append(_word(bytes(held), quoted=quoted))
            held.clear()
            size = 0
            room = _ENCODED_WORD - _CHARSET_ROOM
        held += encoded
        size += cost
    if held:
        words.append(_word(bytes(held), quoted=quoted))
    return "\r\n ".join(words)


def _word(raw: bytes, *, quoted: bool) -> str:
    if not quoted:
        return f"=?utf-8?b?{b64encode(raw).decode()}?="
    text = "".join(
        chr(byte) if byte in _Q_SAFE else "_" if byte == ord(" ") else f"={byte:02X}"
        for byte in raw
    )
    return f"=?utf-8?q?{text}?="


def mailbox(field: str, name: str, address: str) -> bytes:
    """Return a field such as To or From with one address (RFC 5322 §3.4), its line end included.

    ``address`` has an ASCII domain; letters before its @ may be any (RFC 6532).
    """
    display = one_line(name)
    used = len(field) + 2
    spec = f"<{address}>"
    if not display:
        return f"{field}: {address}\r\n".encode()
    if len(display) > _LONGEST_PLAIN_NAME or not display.isascii() or "=?" in display:
        phrase = encoded_words(display, used)
    elif _PLAIN.fullmatch(display) or _ATOMS.fullmatch(display):
        phrase = display
    else:
        phrase = '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    last = len(phrase) - phrase.rfind("\n") - 1 + (used if "\n" not in phrase else 0)
    fold = " " if last + 1 + len(spec) <= MAX_LINE else "\r\n "
    return f"{field}: {phrase}{fold}{spec}\r\n".encode()


def ascii_address(address: str) -> str:
    """Return an address with its domain in A-labels (RFC 5890); the part before @ stays.

    Raises:
        AddressError: no such domain can exist, or the address could end a line or a bracket.
    """
    if address.isascii():
        if _UNSAFE.search(address) or "@" not in address:
            raise AddressError(address)
        return address
    local, at, domain = address.rpartition("@")
    if not at or not local or _UNSAFE.search(local):
        raise AddressError(address)
    return f"{local}@{_ascii_domain(domain)}"


_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0<>\u2028\u2029]")


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise AddressError(domain) from error
