"""A mail's HTML as it may be drawn in a frame: nothing runs, nothing leads away, nothing counts.

The frame's sandbox and policy forbid all of that by themselves (`policy`); what is taken out here
would only make noise, or, like our own open pixel, count somebody who looks at the inbox.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from markupsafe import escape

from campaigns.rendering.markup import Element, elements
from delivery.sandbox.parts import Mail, content_of

LOOKS: Final = ("desktop", "phone", "dark", "forced")
PICTURES: Final = ("embedded", "all", "none")
MOST_EMBEDDED: Final = 3 * 1024 * 1024  # bytes of pictures inside the mail that are drawn
# Pictures that are no documents: SVG can hold scripts and links.
RASTER: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
_BLANK: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_PIXEL: Final = re.compile(r"/o/[\w%~.-]++$", re.IGNORECASE)
_REMOTE: Final = re.compile(
    r"""(?:src|background|srcset|poster)\s{0,5}=\s{0,5}["']?\s{0,5}(?:https?:)?//"""
    r"""|url\(\s{0,5}["']?\s{0,5}(?:https?:)?//""",
    re.IGNORECASE,
)
_SCHEME_QUERY: Final = re.compile(
    r"\(\s{0,5}prefers-color-scheme\s{0,5}:\s{0,5}(dark|light)\s{0,5}\)", re.IGNORECASE
)
_DARK_WORD: Final = re.compile(r"\bdark\b", re.IGNORECASE)
# Tags that have no place in a frame; their content stays, but for a script's.
_TAKEN_OUT: Final = frozenset(
    {"script", "base", "link", "iframe", "frame", "frameset", "object", "embed", "applet", "portal"}
    | {"form", "svg", "math", "noscript", "template", "audio", "video"}
)
_FORCED: Final = (
    "<style>html{background:#fff!important;filter:invert(1) hue-rotate(180deg)!important}"
    "img,picture,[background]{filter:invert(1) hue-rotate(180deg)!important}</style>"
)
_DARK_CANVAS: Final = "<style>:root{color-scheme:dark}</style>"


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How a mail is looked at: one of `LOOKS`, one of `PICTURES`."""

    look: str = "desktop"
    pictures: str = "embedded"


def policy(view: View) -> dict[str, list[str]]:
    """Return the content security policy of the frame."""
    pictures = {
        "embedded": ["data:"],
        "all": ["'self'", "data:", "https:", "http:"],
        "none": ["'none'"],
    }[view.pictures]
    nothing = ["'none'"]
    return {
        "default-src": nothing,
        "img-src": pictures,
        "style-src": ["'unsafe-inline'"],
        "font-src": ["data:"],
        "base-uri": nothing,
        "form-action": nothing,
        "frame-ancestors": ["'self'"],
        "sandbox": [""],
        "script-src": nothing,
        "connect-src": nothing,
        "frame-src": nothing,
        "object-src": nothing,
    }


def has_remote_pictures(html: str) -> bool:
    """Say whether drawing it whole would ask other servers, who would hear of it."""
    return bool(_REMOTE.search(html))


def page(mail: Mail, view: View) -> str:
    """Return the frame's page for a mail."""
    # Programs that invert colours know no styles for dark surroundings.
    return _Drawn(mail, view, _as_scheme(mail.html, dark=view.look == "dark")).page()


def has_own_dark_styles(html: str) -> bool:
    """Say whether its author wrote styles for dark surroundings."""
    return any(found[1].lower() == "dark" for found in _SCHEME_QUERY.finditer(html))


def _as_scheme(html: str, *, dark: bool) -> str:
    """Let the styles for dark surroundings apply or not, whatever the viewer's own device says."""

    def query(found: re.Match[str]) -> str:
        applies = (found[1].lower() == "dark") == dark
        return "(min-width:0)" if applies else "(max-width:0)"

    return _SCHEME_QUERY.sub(query, html)


class _Drawn:
    """Makes one page, piece by piece, in one pass over the mail's tags."""

    def __init__(self, mail: Mail, view: View, html: str) -> None:
        self.mail = mail
        self.view = view
        self.html = html
        self.embedded = 0
        self.inline = {
            part.content_id.lower(): part
            for part in mail.parts
            if part.content_id and part.kind in RASTER and not part.is_cut
        }

    def page(self) -> str:
        pieces: list[str] = []
        at, head_at, follows_scheme = 0, 0, False
        script_from = -1
        for tag in elements(self.html):
            if script_from >= 0:  # the tag after a script's is its end: what is between goes
                at = max(at, tag.start)
                script_from = -1
            if tag.in_comment:
                continue
            follows_scheme = follows_scheme or self._opts_for_dark(tag)
            written = self._written(tag)
            if written is not None:
                pieces += [self.html[at : tag.start], written]
                at = tag.end
            if tag.name == "script" and not tag.closes:
                script_from = tag.end
            if tag.name in {"html", "head"} and not tag.closes:
                pieces += [self.html[at : tag.end]]
                at, head_at = tag.end, len(pieces)
        if script_from < 0:
            pieces.append(self.html[at:])
        if not head_at:
            doctype = re.match(
                r"\s{0,100}<!doctype[^>]{0,300}>", pieces[0] if pieces else "", re.IGNORECASE
            )
            if doctype:
                pieces[0:1] = [doctype[0], pieces[0][doctype.end() :]]
                head_at = 1
        pieces.insert(head_at, self._head(follows_scheme=follows_scheme))
        return "".join(pieces)

    def _head(self, *, follows_scheme: bool) -> str:
        head = '<meta charset="utf-8"><base target="_blank">'
        if self.view.look == "forced":
            head += _FORCED
        elif self.view.look == "dark" and follows_scheme:
            head += _DARK_CANVAS
        return head

    @staticmethod
    def _opts_for_dark(tag: Element) -> bool:
        if tag.name != "meta" or tag.closes:
            return False
        name = (tag.get("name") or "").lower()
        return name in {"color-scheme", "supported-color-schemes"} and bool(
            _DARK_WORD.search(tag.get("content") or "")
        )

    def _written(self, tag: Element) -> str | None:
        """Return what stands in a tag's place; None: the tag as it is."""
        is_noise = tag.name == "meta" and not {"http-equiv", "charset"}.isdisjoint(
            name for name, *_rest in tag.pairs()
        )
        if tag.name in _TAKEN_OUT or is_noise:
            return ""
        if tag.closes:
            return None
        if tag.name in {"a", "area"} and tag.get("href") is not None:
            return self._with(tag, drop={"href", "target", "ping", "download"}, add=_still(tag))
        return self._picture(tag) if tag.name in {"img", "input"} else None

    def _picture(self, tag: Element) -> str | None:
        source = (tag.get("src") or "").strip()
        data = ""
        if _PIXEL.search(source.partition("?")[0]):
            data = _BLANK
        elif source[:4].lower() == "cid:":
            data = self._data(source[4:])
        return self._with(tag, drop={"src", "srcset"}, add=[("src", data)]) if data else None

    @staticmethod
    def _with(tag: Element, *, drop: set[str], add: list[tuple[str, str]]) -> str:
        kept = [(name, value) for name, value, _start, _end in tag.pairs() if name not in drop]
        names = {name for name, _value in kept}
        kept += [(name, value) for name, value in add if name not in names]
        inside = "".join(f' {name}="{escape(value)}"' for name, value in kept)
        return f"<{tag.name}{inside}>"

    def _data(self, content_id: str) -> str:
        """Return a picture inside the mail as an address of its own; "" when there is none."""
        part = self.inline.get(content_id.strip().lower())
        if part is None or self.embedded + part.size > MOST_EMBEDDED:
            return ""
        content = content_of(self.mail.raw, part, most=MOST_EMBEDDED)
        self.embedded += len(content)
        return f"data:{part.kind};base64,{b64encode(content).decode()}"


def _still(tag: Element) -> list[tuple[str, str]]:
    """Return what makes a link look like one and lead nowhere; its title says where it led."""
    return [("href", "#"), ("title", (tag.get("href") or "")[:300])]
