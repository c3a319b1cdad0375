"""Which encoding a text without any mark has, told by what its letters would be.

Bytes beyond ASCII that are no UTF-8 are read in each candidate; the reading in which they form
words wins. People see the samples and may choose another (`import_forms.ReadForm`).
"""

import re

WESTERN = "cp1252"
# What each encoding's letters look like: whole runs of the script, or the letters of its languages
# standing among Latin ones.
SCRIPTS: dict[str, re.Pattern[str]] = {
    "shift_jis": re.compile("[\u3041-\u30fa]"),
    "gb18030": re.compile("[\u4e00-\u9fff]{2}"),
    "cp1251": re.compile("[\u0410-\u044f\u0401\u0451]{3}"),
    "koi8-r": re.compile("[\u0410-\u042f]?[\u0430-\u044f\u0451]{3}"),
    "cp1253": re.compile("[\u03ac-\u03ce]{3}"),
}
CENTRAL = "ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽőűŐŰăâîșțşţđ"
# Letters that Western languages share with Central European ones tell nothing.
WESTERN_LETTERS = "àâæçèéêëîïñôœùûüÿäößåøÀÂÆÇÈÉÊËÎÏÑÔŒÙÛÜŸÄÖÅØáíóúìòãõðþ¿¡"
VALID = 0.98  # the share of characters that must make sense


def guess(sample: bytes) -> str:
    """Return the most likely encoding of bytes that are not UTF-8."""
    beyond = [line for line in sample.splitlines() if not line.isascii()]
    text = b"\n".join(beyond)
    for encoding in ("shift_jis", "gb18030"):
        if _is_east_asian(text, encoding):
            return encoding
    cyrillic = {name: _in_script(text, name) for name in ("cp1251", "koi8-r", "cp1253")}
    best = max(cyrillic, key=lambda name: cyrillic[name])
    if cyrillic[best] > 0:
        return best
    return _latin(text)


def _is_east_asian(text: bytes, encoding: str) -> bool:
    try:
        decoded = text.decode(encoding)
    except UnicodeDecodeError:
        return False
    wide = [letter for letter in decoded if letter >= "\u3000"]
    others = [letter for letter in decoded if "\x80" <= letter < "\u3000"]
    if not wide or len(others) > len(wide) * (1 - VALID) + 1:
        return False
    if encoding == "shift_jis":
        # Half-width katakana are what Western and Cyrillic bytes become.
        kana = len(SCRIPTS[encoding].findall(decoded))
        half = sum("\uff61" <= letter <= "\uff9f" for letter in decoded)
        return kana > 0 and half * 4 < len(wide)
    common = _common_chinese(text)
    return bool(SCRIPTS[encoding].search(decoded)) and common * 10 > len(wide) * 8


def _common_chinese(text: bytes) -> int:
    """Count the pairs of the first level of GB 2312, by frequency (lead bytes B0 to D7)."""
    return len(re.findall(rb"[\xb0-\xd7][\xa1-\xfe]", text))


def _in_script(text: bytes, encoding: str) -> int:
    """Count words of the script, less capitals inside words: the wrong Cyrillic is full of them."""
    decoded = text.decode(encoding, "replace")
    words = re.findall(r"[^\W\d_]+", decoded)
    own = [word for word in words if not word.isascii()]
    good = [word for word in own if SCRIPTS[encoding].search(word) and word[1:] == word[1:].lower()]
    mixed = [word for word in own if re.search("[A-Za-z]", word)]
    if not own or len(mixed) * 5 > len(own):
        return 0
    return len(good) if len(good) * 2 >= len(own) else 0


def _latin(text: bytes) -> str:
    control = sum(0x80 <= byte <= 0x9F for byte in text)  # noqa: PLR2004 - the block C1
    score = {}
    for encoding in (WESTERN, "cp1250", "iso8859-2"):
        decoded = text.decode(encoding, "replace")
        letters = WESTERN_LETTERS if encoding == WESTERN else CENTRAL + "áéíóúýäëöüôÁÉÍÓÚÝÖÜç"
        beyond = [letter for letter in decoded if letter > "\x7f"]
        score[encoding] = sum(letter in letters for letter in beyond) / (len(beyond) or 1)
    if control:
        score["iso8859-2"] = 0
    best = max(score, key=lambda name: score[name])
    # Central European only if it explains what Western can't.
    return best if score[best] > score[WESTERN] + 0.1 else WESTERN
