"""Links: which are tracked, their numbers, and where a click leads.

A link is stored as its author wrote it, merge tags included, and numbered from 1. The mail holds
only the number, so a click can lead nowhere but to what the author wrote.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from jinja2 import nodes

from campaigns.rendering import escapes, web_addresses
from campaigns.rendering.checking import parse
from campaigns.rendering.errors import ContentError
from campaigns.rendering.markup import Element, apply, elements, raw_texts, rewrite
from campaigns.rendering.protect import Kind, ProtectedTag, Protector
from campaigns.rendering.split_template import MergeTemplate, merge_template
from campaigns.rendering.values import SYSTEM_TAGS
from campaigns.states import Where

if TYPE_CHECKING:
    from campaigns.models import Campaign

MAX_LINKS = 2000
MAX_URL = 4000
LINK_TAG = "_link_"  # followed by the ordinal; delivery fills in the tracked address
PIXEL_TAG = "_open_pixel"

_URL_ATTRIBUTES = frozenset({"href", "src", "background", "action", "poster", "cite", "data"})
_NOT_CLICKED = frozenset({"link", "base"})
_STYLE_URL = re.compile(r"url\(\s*+['\"]?\s*+$", re.IGNORECASE)
_LOOK_BACK = 40  # characters before a value in a style sheet that say whether it is an address


class LinkTable:
    """Numbers a content's links; ``known`` are those that earlier versions of it have."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._ordinals = {url: number for number, url in reversed(list(enumerate(known, 1)))}
        self.urls = list(known)

    def ordinal(self, url: str) -> int:
        """Return a link's number; the same address has one number."""
        if url not in self._ordinals:
            if len(self.urls) >= MAX_LINKS:
                raise ContentError(
                    _("An email can have at most %(limit)d different links.") % {"limit": MAX_LINKS}
                )
            self.urls.append(url)
            self._ordinals[url] = len(self.urls)
        return self._ordinals[url]


class LinkWriter:
    """Rewrites the addresses in protected HTML and text."""

    def __init__(
        self, protector: Protector, table: LinkTable, *, track: bool, local: Collection[str]
    ) -> None:
        self.protector = protector
        self.table = table
        self.track = track
        self.local = frozenset(local)  # names that mean nothing when a click comes

    def in_html(self, html: str) -> str:
        """Number what is clicked and make every value fit for its attribute."""
        html = self._raw_text(html)
        html = self._bare_words(html)
        return rewrite(html, self._attribute)

    def in_text(self, text: str) -> str:
        """Number the addresses in a plain text."""
        return "".join(
            (self._tracked(piece) or self.harmless(piece)) if is_address else piece
            for piece, is_address in web_addresses.linked(text)
        )

    def _attribute(self, element: Element, name: str, value: str) -> str | None:
        if name == "style":
            return self._style(value) if self.protector.pattern.search(value) else None
        url = name in _URL_ATTRIBUTES or name.endswith(":href")
        if not url:
            return value if self.protector.pattern.search(value) and '"' not in value else None
        value = web_addresses.without_breaks(value)
        if name == "href" and element.name not in _NOT_CLICKED:
            tracked = self._tracked(value)
            if tracked:
                return tracked
        return self.harmless(value) if self.protector.pattern.search(value) else None

    def _tracked(self, value: str) -> str:
        """Return the word that stands for a tracked address, "" when it isn't to be tracked."""
        first = self.protector.pattern.match(value)
        if not self.track or not (first or value.lower().startswith(("http://", "https://"))):
            return ""
        url = self.protector.restore(value)
        names = _names(url)
        if len(url) > MAX_URL or names & SYSTEM_TAGS or names & self.local:
            return ""
        return self.protector.value(f"{LINK_TAG}{self.table.ordinal(url)}")

    def harmless(self, value: str) -> str:
        """Make the values in an address percent-encode themselves."""

        def word(match: re.Match[str]) -> str:
            return self._through(match, "_url" if match.start() else "_whole_url")

        return self.protector.pattern.sub(word, value)

    def _through(self, match: re.Match[str], name: str) -> str:
        tag = self.protector.tags[int(match[1])]
        if tag.kind is not Kind.VALUE:
            return match[0]
        source = tag.escaped_by(name)
        return self.protector.add(
            ProtectedTag(kind=Kind.VALUE, source=source, expression=source[2:-2])
        )

    def _style(self, css: str) -> str:
        def word(match: re.Match[str]) -> str:
            before = css[max(match.start() - _LOOK_BACK, 0) : match.start()]
            in_url = _STYLE_URL.search(before)
            return self._through(match, "_whole_url" if in_url else "_css")

        return self.protector.pattern.sub(word, css)

    def _raw_text(self, html: str) -> str:
        """Values in style sheets and scripts."""
        edits: list[tuple[int, int, str]] = []
        for name, start, end in raw_texts(html, "style", "script"):
            body = html[start:end]
            if name == "style":
                new = self._style(body)
            else:
                new = self.protector.pattern.sub(lambda word: self._through(word, "_json"), body)
            edits.append((start, end, new))
        return apply(html, edits)

    def _bare_words(self, html: str) -> str:
        """Values between a tag's attributes must not become attributes."""
        edits: list[tuple[int, int, str]] = []
        words = list(self.protector.pattern.finditer(html))
        words.reverse()
        for element in elements(html):
            values = [(start, end) for _n, _v, start, end in element.pairs() if start >= 0]
            values.reverse()
            while words and words[-1].start() < element.end:
                match = words.pop()
                while values and values[-1][1] <= match.start():
                    values.pop()
                is_in_value = bool(values) and values[-1][0] <= match.start()
                if match.start() >= element.start and not is_in_value:
                    edits.append((match.start(), match.end(), self._through(match, "_word")))
        return apply(html, edits)


def _names(url: str) -> frozenset[str]:
    return frozenset(node.name for node in parse(url, where=Where.LINK).find_all(nodes.Name))


@lru_cache(maxsize=4096)
def _url_template(url: str) -> MergeTemplate:
    parse(url, where=Where.LINK)
    protector = Protector(url)
    writer = LinkWriter(protector, LinkTable(), track=False, local=())
    harmless = writer.harmless(protector.protect(url))
    return merge_template(protector.restore(harmless), "text", where=Where.LINK)


def link_target(url: str, values: Mapping[str, str]) -> str:
    """Return where a click on a stored link leads for one person, in ASCII.

    Raises:
        ContentError: the address is broken, or not one for the web, mail or telephone.
    """
    target = web_addresses.without_breaks(_url_template(url).render(values))
    try:
        if escapes.is_safe_url(target):
            return web_addresses.as_ascii(target)
    except ValueError:
        pass
    raise ContentError(_("This link does not lead to a web address."), where=Where.LINK)


def link_tags(url: str) -> frozenset[str]:
    """Return the merge tags that a stored link needs (none: no subscriber has to be read)."""
    return _url_template(url).tags


def stored_links(campaign: "Campaign") -> tuple[str, ...]:
    """Return a campaign's links in order of their numbers."""
    return tuple(campaign.links.order_by("ordinal").values_list("url", flat=True))


def store_links(campaign: "Campaign", links: Iterable[str]) -> None:
    """Add links that are new, numbered as given; what earlier versions have stays.

    Call it while holding the campaign's row lock (`stored.compile_and_store` does), so that two
    versions never take the same number.
    """
    from campaigns.models import Link  # not in rendering processes: they have no database

    rows = [Link(campaign=campaign, ordinal=n, url=url) for n, url in enumerate(links, 1)]
    Link.objects.bulk_create(rows, ignore_conflicts=True)
