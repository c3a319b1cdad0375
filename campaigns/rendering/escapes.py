"""How a value is made harmless for the place it is put into.

HTML text and attributes are escaped by Jinja's autoescape (markupsafe); these are the other places.
The functions are also filters whose names begin with an underscore, which authors can't write.
"""

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from campaigns.rendering.values import Trusted

SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_NOT_WORD = re.compile(r"[^\w\-]")
_NOT_CSS = re.compile(r"[^\w\-#%., ]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_URL_SAFE = ":/?#[]@!$&()*+,;=%~-._"  # reserved and unreserved (RFC 3986 §2), but no quotes


def url_part(value: Any) -> str:
    """Percent-encode a value inside a URL: it can't change the URL's shape (RFC 3986 §2.1)."""
    text = str(value)
    return text if isinstance(value, Trusted) else quote(text, safe="")


def whole_url(value: Any) -> str:
    """Keep a value that is a URL from its start; ``#`` when it could do harm or is no URL."""
    text = str(value).strip()
    if isinstance(value, Trusted):
        return text
    return quote(text, safe=_URL_SAFE) if is_safe_url(text) else "#"


def is_safe_url(url: str) -> bool:
    """Tell whether a URL has an allowed scheme and, on the web, a host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in SAFE_SCHEMES or _CONTROL.search(url):
        return False
    return bool(parts.path) if parts.scheme in {"mailto", "tel"} else bool(host)


def word(value: Any) -> str:
    """Keep letters, digits, hyphens: for values between a tag's attributes."""
    return _NOT_WORD.sub("", str(value))


def css(value: Any) -> str:
    """Keep what colours, sizes and names need: for values in a style sheet."""
    return _NOT_CSS.sub("", str(value))


def script_string(value: Any) -> Markup:
    """Escape for the inside of a JSON string in a script element (schema.org mark-up)."""
    text = json.dumps(str(value))[1:-1]
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - made harmless just here


def one_line(text: str) -> str:
    """Make one line of a header's value: no line break or control character survives."""
    if text.isprintable():
        return text
    return _CONTROL.sub(" ", text).strip()
