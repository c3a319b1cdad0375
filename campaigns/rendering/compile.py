"""Turns a content version into templates of subject, HTML and text: once per version."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.utils.translation import gettext as _
from markupsafe import escape

from accounts.choices import USUAL_COLOUR
from campaigns.rendering import checking, frame, links, markdown, markup, mjml, plain
from campaigns.rendering.errors import ContentError
from campaigns.rendering.inlining import inlined
from campaigns.rendering.protect import ProtectedTag, Protector
from campaigns.rendering.restricted_jinja import Mode
from campaigns.rendering.split_template import MergeTemplate, merge_template
from campaigns.rendering.values import MergeTags
from campaigns.states import ContentKind, Where

MAX_DEPTH = 200
MAX_REPEATED = 300_000  # elements that a parser would open anew
PAGES_KEPT = 4  # writings that somebody is about to ask more about


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """What an author wrote, as it stands in a Content row and its template."""

    kind: ContentKind
    source: str
    subject: str = ""
    preheader: str = ""
    text: str = ""
    template_source: str = ""
    brand: str = USUAL_COLOUR

    def parts(self) -> tuple[tuple[Where, str], ...]:
        """Return every part that can hold merge tags."""
        return (
            (Where.SUBJECT, self.subject),
            (Where.PREHEADER, self.preheader),
            (Where.CONTENT, self.source),
            (Where.TEXT, self.text),
            (Where.TEMPLATE, self.template_source if self.framed else ""),
        )

    @property
    def framed(self) -> bool:
        """Whether the writing is put into the template (whole documents are not)."""
        if self.kind is ContentKind.MARKDOWN:
            return True
        return self.kind is ContentKind.HTML and not markup.is_document(self.source)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledContent:
    """A content version ready to be filled in. ``html`` is None for plain text alone.

    ``links`` are the addresses of ordinals 1, 2, … with their merge tags; ``tags`` says what the
    values mean. Beside an author's tags the templates read ``_link_<ordinal>`` and ``_open_pixel``.
    """

    subject: MergeTemplate
    html: MergeTemplate | None
    text: MergeTemplate
    links: tuple[str, ...]
    tags: MergeTags
    language: str


def compile_content(  # noqa: PLR0913 - one switch each
    writing: Writing,
    tags: MergeTags,
    *,
    track_opens: bool = True,
    track_clicks: bool = True,
    known_links: Sequence[str] = (),
    preview: bool = False,
    hidden_link: bool = False,
) -> CompiledContent:
    """Compile a content.

    ``known_links`` keep their numbers. A ``preview`` shows unknown tags instead of refusing them.
    A ``hidden_link``, number 0, is followed by programs only.

    Raises:
        ContentError: the first thing that has to be mended, with its part and line.
    """
    for where, source in writing.parts():
        checking.check(source, None if preview else _known(tags, where), where=where)
    build = _Build(writing, tags, track_clicks=track_clicks, known_links=known_links)
    html, text = build.html_and_text()
    html_mode: Mode = "preview_html" if preview else "html"
    text_mode: Mode = "preview_text" if preview else "text"
    finish = _Finish(tags, track_opens=track_opens and not preview, hidden_link=hidden_link)
    return CompiledContent(
        subject=merge_template(
            writing.subject, text_mode, constants=tags.constants, where=Where.SUBJECT
        ),
        html=None if html is None else finish.html(html, html_mode),
        text=finish.text(text, text_mode),
        links=tuple(build.table.urls),
        tags=tags,
        language=tags.language,
    )


def _known(tags: MergeTags, where: Where) -> frozenset[str]:
    return tags.known | {"content"} if where is Where.TEMPLATE else tags.known


class _Build:
    """Everything up to the templates' source."""

    def __init__(
        self, writing: Writing, tags: MergeTags, *, track_clicks: bool, known_links: Sequence[str]
    ) -> None:
        self.writing = writing
        self.tags = tags
        self.language = frame.language_code(tags.language)
        local: set[str] = set()
        for where, source in writing.parts():
            local |= checking.assigned_names(checking.parse(source, where=where))
        self.protector = _protector(writing)
        self.table = links.LinkTable(known_links)
        self.writer = links.LinkWriter(self.protector, self.table, track=track_clicks, local=local)

    def html_and_text(self) -> tuple[str | None, str]:
        """Return the Jinja sources of both parts."""
        html = self._html()
        if html is not None:
            html = self.writer.in_html(html)
        if self.writing.text.strip() or html is None:
            given = self.writing.text if self.writing.text.strip() else self.writing.source
            text = self.writer.in_text(self.protector.protect(given.replace("\r\n", "\n")))
        else:
            text = plain.from_html(html, self.protector)
        if html is not None:
            preheader = str(escape(self.protector.protect(self.writing.preheader)))
            title = escape(self.protector.protect(self.writing.subject))
            html = html.replace("<title></title>", f"<title>{title}</title>", 1)
            html = self.protector.restore(frame.with_preheader(html, preheader))
        return html, self.protector.restore(text)

    def _html(self) -> str | None:
        html, tags, held = _page(self.writing, self.language)
        self.protector.begin_with(tags, held)
        return html


Page = tuple[str | None, tuple[ProtectedTag, ...], tuple[str, ...]]


@lru_cache(maxsize=PAGES_KEPT)
def _page(writing: Writing, language: str) -> Page:
    """Turn a writing into one HTML page whose merge tags are words, and say what they stand for.

    Most of the work, and the same for a preview, for its checks and for sending; so a revision
    that is asked about in several ways is converted once.
    """
    protector = _protector(writing)
    html = _Page(writing, protector, language).html()
    return html, *protector.kept


def _protector(writing: Writing) -> Protector:
    return Protector(*(source for _where, source in writing.parts()))


@dataclass(frozen=True, slots=True)
class _Page:
    writing: Writing
    protector: Protector
    language: str

    def html(self) -> str | None:
        writing, protector = self.writing, self.protector
        if writing.kind is ContentKind.TEXT:
            return None
        source = protector.protect(writing.source)
        if writing.kind is not ContentKind.MARKDOWN:
            _check_nesting(source)
        if writing.kind is ContentKind.MJML:
            whole = mjml.frame(source)
            return mjml.to_html(whole, protector, language=self.language, where=Where.CONTENT)
        if writing.kind is ContentKind.MARKDOWN:
            return self._framed(source)
        if writing.framed and writing.template_source:
            return self._framed(source)
        html = source if not writing.framed else frame.document(source, self.language)
        return inlined(html, protector)

    def _framed(self, source: str) -> str:
        """Put Markdown or a piece of HTML where the template says {{ content }}."""
        template = self.writing.template_source or frame.PLAIN_FRAME
        protected = self.protector.protect(template)
        places = [
            f"{match[0]}"
            for match in self.protector.pattern.finditer(protected)
            if self.protector.tags[int(match[1])].expression == "content"
        ]
        if not places:
            raise ContentError(
                _("The template does not say where the writing goes. Put {{ content }} into it."),
                where=Where.TEMPLATE,
                tag="content",
            )
        is_mjml = "<mj" in protected
        html = (
            mjml.to_html(
                mjml.frame(protected),
                self.protector,
                language=self.language,
                where=Where.TEMPLATE,
            )
            if is_mjml
            else protected
        )
        sheets = markup.raw_texts(template, "mj-style", "style")
        css = "\n".join(template[start:end] for _name, start, end in sheets)
        if self.writing.kind is ContentKind.MARKDOWN:
            source = markdown.to_html(
                source, self.protector, brand=self.writing.brand, css=self.protector.protect(css)
            )
        for place in places:
            html = html.replace(place, source)
        return html


def _check_nesting(source: str) -> None:
    found = markup.nesting(source)
    if found.depth > MAX_DEPTH:
        raise ContentError(
            _("Elements are nested more than %(limit)d deep. Email apps give up before.")
            % {"limit": MAX_DEPTH}
        )
    if found.repeated > MAX_REPEATED:
        raise ContentError(
            _("Many elements like <b> or <font> are opened but never closed. Close them.")
        )


@dataclass(frozen=True, kw_only=False, slots=True)
class _Finish:
    """From sources to templates: what law and tracking add."""

    tags: MergeTags
    track_opens: bool = field(kw_only=True)
    hidden_link: bool = field(kw_only=True, default=False)

    def html(self, source: str, mode: Mode) -> MergeTemplate:
        whole = source
        if self._lacks_footer(source, "html", Where.CONTENT):
            whole = frame.before_end(whole, frame.html_footer(self.tags, self.tags.language))
        if self.hidden_link:
            whole = frame.with_hidden_link(whole)
        if self.track_opens:
            whole = frame.with_pixel(whole)
        if not frame.shows_unsubscribe(
            merge_template(whole, "html", constants=frame.own_constants(self.tags))
        ):
            raise ContentError(
                _(
                    "A comment, an element or a quotation mark is opened but never closed, "
                    "so that readers would not see the unsubscribe link."
                )
            )
        return merge_template(whole, mode, constants=frame.own_constants(self.tags))

    def text(self, source: str, mode: Mode) -> MergeTemplate:
        whole = source
        if self._lacks_footer(source, "text", Where.TEXT):
            whole += frame.text_footer(self.tags, self.tags.language)
        return merge_template(
            whole, mode, constants=frame.own_constants(self.tags), where=Where.TEXT
        )

    def _lacks_footer(self, source: str, mode: Mode, where: Where) -> bool:
        # A preview has no slots to tell who would get the link, so the mail itself is judged.
        sent = merge_template(source, mode, constants=frame.own_constants(self.tags), where=where)
        return frame.lacks_footer(sent, self.tags)
