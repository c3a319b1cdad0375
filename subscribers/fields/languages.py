"""Which of our languages ``en_US``, ``English``, ``Englisch`` or ``Bahasa Indonesia`` is."""

import gettext
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

import django
from django.conf import settings
from django.conf.locale import LANG_INFO

OLD_CODES = {"in": "id", "iw": "he", "ji": "yi", "no": "nb", "eng": "en", "ind": "id"}
LONGEST = 60


@lru_cache(maxsize=1_000)
def read(text: str) -> str:
    """Return the code of one of the product's languages, or "" if this names none of them."""
    word = " ".join(text[:LONGEST].split()).lower()
    code = word.replace("_", "-").partition("-")[0].partition("@")[0]
    code = OLD_CODES.get(code, code)
    if code in _spoken():
        return code
    plain = word.partition("(")[0].strip()  # English (United Kingdom)
    return _names().get(word) or _names().get(plain, "")


@cache
def _spoken() -> frozenset[str]:
    return frozenset(code for code, _name in settings.LANGUAGES)


@cache
def _names() -> dict[str, str]:
    """Return the product's languages by their names in every language that Django speaks."""
    names: dict[str, str] = {}
    catalogues = []
    for path in (Path(django.__file__).parent / "conf" / "locale").glob("*/LC_MESSAGES/django.mo"):
        with path.open("rb") as file, suppress(OSError, UnicodeDecodeError):
            catalogues.append(gettext.GNUTranslations(file))
    for code in _spoken():
        info = LANG_INFO[code]
        here = [info["name"], info["name_local"], info["name_local"].removeprefix("Bahasa ")]
        for name in [*here, *(one.gettext(info["name"]) for one in catalogues)]:
            names.setdefault(name.lower(), code)
    return names
