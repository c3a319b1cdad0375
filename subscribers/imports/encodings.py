"""Which encoding a text that is not UTF-8 has.

`chardet` knows how likely byte pairs are in each language and encoding, but a list of people is
a few short names among addresses: its first answer is often a cousin of the right one (Spanish
names read as Hungarian, Japanese as Chinese). So only the cells that say something are given to
it, and its candidates are weighed by whether they make whole words: one script in a word, no
capital after a small letter, and letters that one language has. People see the result with samples
and may choose another (`import_forms.ReadForm`, ``--encoding``).
"""

import codecs
import pkgutil
import re
import unicodedata
from dataclasses import dataclass
from encodings import aliases
from functools import cache
from itertools import pairwise

import chardet
from django.utils.translation import gettext_lazy as _

LONGEST_SAMPLE = 60_000  # bytes of cells that say something
FEW_WORDS = 4  # with fewer words, no guess is certain
CLEARLY = 1.3  # how much more likely than the next other reading a certain one is
# Windows first, since that is where spreadsheets are saved; then Unix, then old Macs and DOS.
LIKELY = (
    (
        "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 cp932 cp949 gb18030",
        1.0,
    ),
    ("big5hkscs koi8-r koi8-u euc_jis_2004", 1.0),
    ("iso8859-1 iso8859-2 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-13", 0.97),
    ("iso8859-15 tis-620 shift_jis_2004", 0.97),
    ("mac-roman mac-latin2 mac-cyrillic", 0.85),
    ("cp850 cp852 cp857 cp865 cp866 cp1125 iso8859-16", 0.8),
    ("iso8859-3 iso8859-4 iso8859-10 mac-greek mac-turkish johab kz1048 koi8-t", 0.35),
    ("cp437 cp737 cp775 cp855 cp862 cp864 cp869", 0.35),
)
WEIGHTS = {name: weight for names, weight in LIKELY for name in names.split()}
# What chardet calls by its largest relative, and people by the usual name.
USUAL = {"euc_jis_2004": "euc-jp", "shift_jis_2004": "shift-jis", "big5hkscs": "big5"}
# Letters beyond ASCII of languages with Latin letters, lower case.
LETTERS = {
    "German": "äöüß",
    "French": "àâæçèéêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "ãáàâçéêíóôõúü",
    "Italian": "àèéìíòóùú",
    "Nordic": "åäöæøéüá",
    "Dutch": "çëïéäöü",
    "Catalan": "àçèéíïòóúü",
    "Icelandic": "áðéíóúýþæö",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýžäĺľôŕ",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîșțşţ",
    "Croatian": "čćđšž",
    "Turkish": "çğıöşüâîi\u0307",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Estonian": "äöõüšž",
    "Vietnamese": "ăâđêôơưáàảãạéèẻẽẹíìỉĩịóòỏõọúùủũụýỳỷỹỵ\u0300\u0301\u0303\u0309\u0323",
}
OF_LANGUAGE = [frozenset(letters + letters.upper()) for letters in LETTERS.values()]
WESTERN = frozenset().union(*OF_LANGUAGE[:7])
SEVERAL = 0.93  # what a mix of Western languages is worth, beside one language
PUNCTUATION = frozenset("’‘“”–—…€«»°\u00a0")
BEFORE_LETTERS = frozenset("’‘“«\u00a0")  # the others, there, are capitals of another encoding
CELLS = re.compile(rb'[\t,;"\r\n|]+')
NO_WORD = re.compile(r"[^\w\u0300-\u036f\u0590-\u06ff\u0e00-\u0e7f\u200c]|[0-9_]")
LATIN = re.compile("[A-Za-z\u00c0-\u02af\u0300-\u036f\u1e00-\u1eff]")
HALF_WIDTH = re.compile("[\uff61-\uff9f]")
KANA = re.compile("[\u3041-\u30fa]")
SEVEN_BITS = re.compile(rb"\x1b[$(]|~\{")  # ISO-2022 and HZ switch scripts with ASCII bytes
NO_TEXT = frozenset(
    {"charmap", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """An encoding by Python's name, and whether no other reading is nearly as likely."""

    encoding: str
    is_certain: bool


def guess(sample: bytes) -> Guess:
    """Return the most likely encoding of bytes that are not UTF-8."""
    cells = [cell for cell in CELLS.split(sample) if not cell.isascii()]
    text = b"\n".join(cells)[:LONGEST_SAMPLE]
    if not text:
        return Guess(encoding="latin-1", is_certain=False)
    readings: dict[str, tuple[float, str]] = {}  # how likely a reading is, and as what
    for found in chardet.detect_all(
        text, ignore_threshold=True, compat_names=False, include_encodings=WEIGHTS
    ):
        name = found["encoding"]
        decoded = _decode(text, name) if name else None
        if name is None or decoded is None:
            continue
        likely = found["confidence"] * _sense(decoded, name) ** 2 * WEIGHTS.get(name, 1)
        if likely > readings.get(decoded, (0.0, ""))[0]:
            readings[decoded] = (likely, name)
    best = sorted(readings.values(), reverse=True)[:2]
    if not best:
        return Guess(encoding="latin-1", is_certain=False)
    likely, name = best[0]
    usual = USUAL.get(name, name)
    if _decode(text, usual) != _decode(text, name):
        usual = name
    words = sum(len(cell.split()) for cell in cells)
    clear = len(best) == 1 or likely >= best[1][0] * CLEARLY
    return Guess(encoding=canonical(usual), is_certain=clear and words >= FEW_WORDS)


def guess_seven_bits(sample: bytes) -> Guess | None:
    """Return the encoding of ASCII bytes that stand for another script, or None."""
    if not SEVEN_BITS.search(sample):
        return None
    name = chardet.detect(sample, compat_names=False)["encoding"]
    if not name or name in {"ascii", "utf-8"} or _decode(sample, name) is None:
        return None
    return Guess(encoding=canonical(name), is_certain=True)


def canonical(name: str) -> str:
    """Return Python's name of an encoding, one for all of its aliases.

    Raises:
        LookupError: Python has no such encoding of text.
    """
    info = codecs.lookup(name.strip().lower().replace(" ", "-"))
    if info.name.replace("-", "_") in NO_TEXT or not info._is_text_encoding:  # noqa: SLF001
        raise LookupError(name)
    return "latin-1" if info.name == "iso8859-1" else info.name.replace("_", "-")


@cache
def every() -> tuple[str, ...]:
    """Return the names of all encodings of text that Python has."""
    import encodings as package

    names = {module.name for module in pkgutil.iter_modules(package.__path__)}
    found = set()
    for name in names | set(aliases.aliases.values()):
        try:
            found.add(canonical(name))
        except LookupError:
            continue
    return tuple(sorted(found))


def _decode(text: bytes, name: str) -> str | None:
    try:
        return text.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _sense(text: str, name: str) -> float:
    """Say from 0 to 1 how much of a reading consists of words that somebody could have written."""
    text = unicodedata.normalize("NFC", text)
    words = [word for word in NO_WORD.split(text) if word and not word.isascii()]
    odd = sum(
        _is_odd(mark, following) for mark, following in zip(text, [*text[1:], ""], strict=True)
    )
    if not words:  # a dash, an apostrophe, a euro sign: Windows
        return 1.0 if name == "cp1252" else 0.2
    good = [word for word in words if _is_word(word)]
    share = len(good) / (len(words) + odd)
    letters = [c for word in good if LATIN.match(word) for c in word if c > "\x7f"]
    if letters:
        best = max(sum(c in known for c in letters) for known in OF_LANGUAGE)
        western = sum(c in WESTERN for c in letters)
        share *= max(best, SEVERAL * western) / len(letters)
    # Chinese and Japanese share the places of kana, which Chinese has no use for.
    return share / 2 if name == "gb18030" and KANA.search(text) else share


def _is_odd(mark: str, following: str) -> bool:
    if mark <= "\x7f" or mark.isalnum() or unicodedata.category(mark)[0] == "M":
        return False
    if mark not in PUNCTUATION:
        return True
    return mark not in BEFORE_LETTERS and following > "\x7f" and following.isalpha()


def _is_word(word: str) -> bool:
    latin = len(LATIN.findall(word))
    if latin not in {0, len(word)} or HALF_WIDTH.search(word):
        return False
    return not any(a.islower() and b.isupper() for a, b in pairwise(word))


# What people call the encodings that files are usually in.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": _("UTF-8 with a mark"),
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": _("Western (Windows-1252)"),
    "latin-1": _("Western (ISO-8859-1)"),
    "iso8859-15": _("Western with euro sign (ISO-8859-15)"),
    "mac-roman": _("Western (Mac)"),
    "cp850": _("Western (DOS 850)"),
    "cp1250": _("Central European (Windows-1250)"),
    "iso8859-2": _("Central European (ISO-8859-2)"),
    "mac-latin2": _("Central European (Mac)"),
    "cp852": _("Central European (DOS 852)"),
    "cp1251": _("Cyrillic (Windows-1251)"),
    "koi8-r": _("Cyrillic (KOI8-R)"),
    "koi8-u": _("Ukrainian (KOI8-U)"),
    "iso8859-5": _("Cyrillic (ISO-8859-5)"),
    "mac-cyrillic": _("Cyrillic (Mac)"),
    "cp866": _("Cyrillic (DOS 866)"),
    "cp1253": _("Greek (Windows-1253)"),
    "iso8859-7": _("Greek (ISO-8859-7)"),
    "cp1254": _("Turkish (Windows-1254)"),
    "iso8859-9": _("Turkish (ISO-8859-9)"),
    "cp1255": _("Hebrew (Windows-1255)"),
    "cp1256": _("Arabic (Windows-1256)"),
    "cp1257": _("Baltic (Windows-1257)"),
    "cp1258": _("Vietnamese (Windows-1258)"),
    "cp874": _("Thai (Windows-874)"),
    "cp932": _("Japanese (Windows-932)"),
    "shift-jis": _("Japanese (Shift_JIS)"),
    "euc-jp": _("Japanese (EUC-JP)"),
    "iso2022-jp": _("Japanese (ISO-2022-JP)"),
    "gb18030": _("Chinese (GB18030)"),
    "big5": _("Chinese (Big5)"),
    "cp949": _("Korean (Windows-949)"),
    "euc-kr": _("Korean (EUC-KR)"),
}


def encoding_label(name: str) -> str:
    """Name an encoding for people."""
    return str(ENCODINGS.get(name, name))
