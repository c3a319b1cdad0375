"""Bytes of a mail as text: transfer encodings, charsets, encoded words, HTML. Never raises."""

import binascii
import codecs
import re
from email.errors import MessageError
from email.header import decode_header
from html import unescape
from typing import Final

LONGEST_FIELD: Final = 4_000
LONGEST_TEXT: Final = 40_000  # characters of one part's text
_JAPANESE_SHIFT: Final = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# Only what turns bytes into text, and in linear time; Python knows other "encodings".
_CHARSETS: Final = re.compile(
    r"utf_8(_sig)?|utf_16(_[bl]e)?|ascii|iso8859_\d+|latin_1|cp\d+|koi8_[rtu]|gb2312|gbk|gb18030|"
    r"big5(hkscs)?|shift_jis\w*|euc_\w+|iso2022_\w+|mac_\w+|tis_620|ptcp154|hz"
)
_NAMES_OF_OTHERS: Final = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp-850": "cp850",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "unicode-1-1-utf-8": "utf-8",
    "iso-8859-8-i": "iso8859_8",
}


def readable(value: str) -> str:
    """Return a field's value without folding and encoded words."""
    value = " ".join(value[:LONGEST_FIELD].split()) if "\n" in value else value[:LONGEST_FIELD]
    raw = value.encode("utf-8", "surrogateescape") if not value.isascii() else b""
    if raw and not all(byte < 128 for byte in raw):  # noqa: PLR2004 - ASCII
        value = as_text(raw, "")
    if "=?" not in value:
        return value.strip()
    try:
        words = decode_header(value)
    except (ValueError, LookupError, AttributeError, MessageError):
        return value.strip()
    return "".join(
        word if isinstance(word, str) else as_text(word, charset or "") for word, charset in words
    ).strip()


def decoded(body: bytes, encoding: str) -> bytes:
    """Undo a content transfer encoding, as far as it goes."""
    match encoding.strip().lower():
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "base64":
            return _from_base64(body)
        case _:
            return body


_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def _from_base64(body: bytes) -> bytes:
    clean = _NOT_BASE64.sub(b"", body[: LONGEST_TEXT * 6])
    try:
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4])
    except binascii.Error:
        return body


def as_text(raw: bytes, charset: str) -> str:
    """Decode bytes by the charset they name, by what they look like, or byte by byte."""
    name = _known_charset(charset)
    if any(shift in raw for shift in _JAPANESE_SHIFT) and not name.startswith("iso2022"):
        name = "iso2022_jp"
    for candidate in dict.fromkeys((name, "utf-8")):
        if candidate and not (candidate == "ascii" and not raw.isascii()):
            try:
                return raw.decode(candidate)
            except (UnicodeError, ValueError):
                continue
    return raw.decode(name if name and name != "ascii" else "cp1252", "replace")


def _known_charset(charset: str) -> str:
    wanted = charset.strip().strip("\"'").lower()[:40]
    try:
        name = codecs.lookup(_NAMES_OF_OTHERS.get(wanted, wanted)).name.replace("-", "_")
    except (LookupError, ValueError, UnicodeError):
        return ""
    return name if _CHARSETS.fullmatch(name) else ""


_TAG: Final = re.compile(r"<[^<>]{0,4000}>")
_NEW_LINE: Final = re.compile(
    r"<\s{0,3}/?(?:br|p|div|tr|li|h[1-6]|table|pre)\b[^<>]{0,2000}>", re.IGNORECASE
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_HIDDEN: Final = ("style", "script", "head")
# Addresses in angle brackets are no tags: an "@" stands in them, and no space.
_BRACKETED: Final = re.compile(r"<([^\s<>@=\"]{1,128}@[^\s<>@=\"]{1,255})>")


def without_tags(text: str) -> str:
    """Return what people read of HTML, in lines."""
    for name in _HIDDEN:
        text = _without_element(text, name)
    text = _BRACKETED.sub(r"&lt;\1&gt;", text)
    text = _TAG.sub("", _NEW_LINE.sub("\n", text))
    return _ENTITY.sub(lambda found: unescape(found[0]), text)


def _without_element(text: str, name: str) -> str:
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that grows: places would not fit
        return text
    kept, at = [], 0
    while (start := lowered.find(f"<{name}", at)) >= 0:
        end = lowered.find(f"</{name}", start)
        kept.append(text[at:start])
        if end < 0:
            return "".join(kept)
        at = end
    return "".join([*kept, text[at:]])
