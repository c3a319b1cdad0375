"""What pictures are called: by people, and by their addresses."""

import base64
import hashlib
import re
import unicodedata
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

LONGEST: Final = 120
FILE: Final = re.compile(r"[a-z2-7]{32}(?:-t)?\.(?:jpg|png|gif)")
TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
PATH: Final = "/media/"  # of `media_file`; stands in emails that were sent, and never changes


def clean(given: str) -> str:
    """Return a file's name as one readable line: no folders, no control or direction marks."""
    text = line(given.replace("\\", "/").rpartition("/")[2])
    stem, dot, ending = text.rpartition(".")
    if dot and stem and ending.isalnum() and len(ending) <= 5:  # noqa: PLR2004 - .jpeg, .heic
        text = stem
    return text[:LONGEST].strip() or _("Picture")


def line(given: str) -> str:
    """Return a text as one line of letters that one sees."""
    kept = []
    for letter in given:
        kind = unicodedata.category(letter)
        # Cc, Cf (which turn text round), Cs, Co, Cn: nothing that one sees.
        kept.append(" " if kind[0] == "C" or kind in ("Zl", "Zp") else letter)
    return " ".join("".join(kept).split())


def file_of(content: bytes, kind: str, *, key: bytes, mark: str = "") -> str:
    """Name a file by what is in it, so that nobody guesses the name who has not got the key."""
    digest = hashlib.blake2b(content, key=key[:64], digest_size=20).digest()
    return f"{base64.b32encode(digest).decode().lower()}{mark}.{kind}"


def address_of(file: str) -> str:
    """Return where anybody can see a picture: the same for years, in every email."""
    return f"{settings.SITE_URL}{PATH}{file}"


def type_of(file: str) -> str:
    """Return the media type of one of our files."""
    return TYPES[file.rpartition(".")[2]]
