"""How a value is made harmless for the place it is put into.

HTML text and attributes are escaped by Jinja's autoescape (markupsafe); these are the other places.
The functions are also filters whose names begin with an underscore, which authors can't write.
"""

import json
import re
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from campaigns.rendering.values import Trusted
from campaigns.rendering.web_addresses import as_ascii

VALUE_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
# Schemes that run or read something on the reader's machine.
_HARMFUL = frozenset(
    {"javascript", "vbscript", "livescript", "mocha", "data", "file", "blob", "filesystem", "about"}
    | {"view-source", "jar", "res", "mhtml", "mk", "chrome", "resource", "wyciwyg", "shell"}
    | {"search-ms", "search", "hcp", "ldap", "cid", "mid"}
)
# Those that are written without slashes; others need them, or a mistyped host would pass.
_WITHOUT_SLASHES = frozenset(
    {"mailto", "tel", "sms", "smsto", "mms", "mmsto", "callto", "geo", "facetime", "skype"}
    | {"facetime-audio", "maps", "whatsapp", "webcal", "webcals", "market", "intent", "im", "xmpp"}
    | {"sip", "sips", "itms", "itms-apps", "tg", "viber", "bitcoin", "lightning", "magnet", "urn"}
    | {"ethereum", "monero", "litecoin", "upi", "spotify", "news", "fax", "modem", "matrix", "sgnl"}
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_NOT_WORD = re.compile(r"[^\w\-]")
_NOT_CSS = re.compile(r"[^\w\-#%., ]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def url_part(value: Any) -> str:
    """Percent-encode a value inside a URL: it can't change the URL's shape (RFC 3986 §2.1)."""
    text = str(value)
    return text if isinstance(value, Trusted) else quote(text, safe="")


def whole_url(value: Any) -> str:
    """Keep a value that is a URL from its start; ``#`` when it could do harm or is no URL."""
    text = str(value).strip()
    if isinstance(value, Trusted):
        return text
    try:
        return as_ascii(text) if is_safe_url(text) else "#"
    except ValueError:
        return "#"


def is_safe_url(url: str) -> bool:
    """Tell whether a person's value is a URL that may be followed."""
    return _scheme(url) in VALUE_SCHEMES and leads_somewhere(url)


def leads_somewhere(url: str) -> bool:
    """Tell whether a URL that an author wrote is complete and does no harm.

    Any app may have a scheme of its own (``webcal:``, ``whatsapp:``, ``kopi://menu``), so only
    those that are known to do harm, and what looks mistyped, are refused.
    """
    scheme = _scheme(url)
    rest = url[len(scheme) + 1 :]
    if not scheme or scheme in _HARMFUL or scheme.startswith("ms-") or _CONTROL.search(url):
        return False
    if scheme in {"http", "https", "ftp"}:
        try:
            return bool(urlsplit(url).hostname)
        except ValueError:
            return False
    if scheme in _WITHOUT_SLASHES:
        return bool(rest.strip("/"))
    is_mistyped = get_close_matches(scheme, ("http", "https", "mailto"), 1, 0.75)
    return not is_mistyped and rest.startswith("//") and bool(rest.strip("/"))


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


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
