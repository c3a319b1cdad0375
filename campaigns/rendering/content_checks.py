"""Pre-flight: what is wrong or weak about a content, found before anybody gets it."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.findings import Finding, Level, of_content
from campaigns.rendering import escapes, foreign, links, markup, web_addresses
from campaigns.rendering.compile import CompiledContent, Writing, compile_content
from campaigns.rendering.errors import ContentError
from campaigns.rendering.preview import preview_values, unknown_tags
from campaigns.rendering.split_template import Slot
from campaigns.rendering.values import (
    PERSON_TAGS,
    MergeTags,
    Person,
)
from campaigns.states import Where

GMAIL_CLIPS_AT = 102_000  # bytes of HTML; observed and widely reported, not documented by Google


def findings(writing: Writing, tags: MergeTags, people: Sequence[Person] = ()) -> list[Finding]:
    """Check a writing, the blocking ones first."""
    errors = unknown_tags(writing, tags)
    others = list(_foreign_tags(writing, {error.where for error in errors}))
    named = {(finding.where, finding.line) for finding in others}
    found = [_of_error(error) for error in errors if (error.where, error.line) not in named]
    found += others
    found += _about_writing(writing, tags)
    if not errors:
        try:
            compiled = compile_content(writing, tags, track_opens=False, track_clicks=False)
            tracked = compile_content(writing, tags, track_opens=False)
        except ContentError as error:
            found.append(_of_error(error))
        else:
            found += _about_people(compiled, tags, people)
            found += _about_page(compiled, tags, people)
            found += _about_links(tracked, tags, people, writing)
    return sorted(found, key=lambda finding: finding.level)


def _of_error(error: ContentError) -> Finding:
    return of_content(
        level=Level.BLOCKS,
        code="error",
        text=str(error),
        note=_("Fix it in the editor."),
        where=error.where,
        line=error.line,
        tag=error.tag,
    )


def _foreign_tags(writing: Writing, wrong: Collection[Where]) -> Iterator[Finding]:
    """Find other tools' tags. Those written like ours are, where a part is ``wrong``."""
    for where, source in writing.parts():
        for tag in foreign.found_in(source):
            if not tag.looks_like_ours or where in wrong:
                yield foreign_tag(tag, where)


def foreign_tag(tag: foreign.ForeignTag, where: Where) -> Finding:
    """Say that readers would see another tool's tag, and what to write."""
    sentence = _("“%(tag)s” is a merge tag of %(tool)s; readers would see it as it stands.")
    known = _("Write %(here)s instead.") % {"here": tag.here}
    return of_content(
        level=Level.BLOCKS,
        code="foreign_tag",
        text=sentence % {"tag": tag.source, "tool": tag.tool},
        note=known if tag.here else _("There is no such tag here: take it out."),
        where=where,
        line=tag.line,
        tag=tag.source,
    )


def _about_writing(writing: Writing, tags: MergeTags) -> Iterator[Finding]:
    if not writing.subject.strip():
        yield of_content(
            level=Level.BLOCKS,
            code="no_subject",
            text=_("There is no subject."),
            note=_("Write one: it decides whether people open the email."),
            where=Where.SUBJECT,
        )
    if not writing.source.strip():
        yield of_content(
            level=Level.BLOCKS,
            code="no_content",
            text=_("There is no content."),
            note=_("Write something for your readers."),
        )
    if not tags.constants.get("postal_address", "").strip():
        yield Finding(
            level=Level.BLOCKS,
            code="no_postal_address",
            text=_("The workspace has no postal address, and the law asks for one."),
            step="workspace",
            note=_("Enter it in the settings; it appears in every email's footer."),
        )


def _about_people(
    compiled: CompiledContent, tags: MergeTags, people: Sequence[Person]
) -> Iterator[Finding]:
    """Fill the content in for real people: errors, and values that they don't have."""
    errors: list[ContentError] = []
    missing: dict[str, int] = {}
    wanted = _without_fallback(compiled)
    for person in people:
        values = preview_values(tags, person)
        for tag in wanted:
            if not values.get(tag):
                missing[tag] = missing.get(tag, 0) + 1
        try:
            for template in (compiled.subject, compiled.html, compiled.text):
                if template is not None:
                    template.render(values)
        except ContentError as error:
            errors.append(error)
    if errors:
        yield of_content(
            level=Level.BLOCKS if len(errors) == len(people) else Level.WARNS,
            code="merge_error",
            text=ngettext(
                "For %(count)d of %(tried)d people tried, a tag can't be filled in: %(error)s",
                "For %(count)d of %(tried)d people tried, a tag can't be filled in: %(error)s",
                len(errors),
            )
            % {"count": len(errors), "tried": len(people), "error": errors[0].sentence},
            note=_("Those people would be left out. Fix the tag or give it a fall-back."),
            where=errors[0].where,
        )
    for tag in sorted(wanted - missing.keys()):
        yield of_content(Level.FINE, "may_be_empty", "", tag=tag)
    for tag, count in sorted(missing.items()):
        yield of_content(
            level=Level.WARNS,
            code="empty_value",
            text=ngettext(
                "%(count)d of %(tried)d people tried has no value for {{ %(tag)s }}.",
                "%(count)d of %(tried)d people tried have no value for {{ %(tag)s }}.",
                count,
            )
            % {"count": count, "tried": len(people), "tag": tag},
            note=_('Add a fall-back: {{ %(tag)s|default("friend") }}.') % {"tag": tag},
            tag=tag,
        )


def _without_fallback(compiled: CompiledContent) -> set[str]:
    templates = [compiled.subject, compiled.text, *([compiled.html] if compiled.html else [])]
    return {
        part.tag
        for template in templates
        for part in template.parts
        if isinstance(part, Slot)
        and not part.fallback
        and (part.tag in PERSON_TAGS or part.tag in compiled.tags.fields)
    }


def _about_page(
    compiled: CompiledContent, tags: MergeTags, people: Sequence[Person]
) -> Iterator[Finding]:
    if compiled.html is None:
        return
    try:
        html = compiled.html.render(preview_values(tags, people[0] if people else None))
    except ContentError:
        return
    size = len(html.encode())
    if size > GMAIL_CLIPS_AT:
        yield of_content(
            level=Level.WARNS,
            code="too_large",
            text=_("The email has %(size)d kB; Gmail shows only the first 102 kB.")
            % {"size": size // 1000},
            note=_("Shorten it, or move a part to your website."),
        )
    yield from _about_pictures(html)


def _about_pictures(html: str) -> Iterator[Finding]:
    for element in markup.elements(html):
        if element.closes or element.name != "img":
            continue
        source = (element.get("src") or "").strip()
        name = source.rsplit("/", 1)[-1][:60] or _("picture")
        if element.get("alt") is None:
            yield of_content(
                level=Level.WARNS,
                code="no_alt",
                text=_("The picture “%(name)s” has no alt text.") % {"name": name},
                note=_("Describe it for people who don't see it; leave it empty for ornament."),
                tag=source,
            )
        if not source.lower().startswith(("http://", "https://", "data:", "cid:")):
            yield of_content(
                level=Level.WARNS,
                code="picture_address",
                text=_("The picture “%(name)s” has no complete address and will not show.")
                % {"name": name},
                note=_("Give the whole address, beginning with https://."),
                tag=source,
            )


def _about_links(
    compiled: CompiledContent, tags: MergeTags, people: Iterable[Person], writing: Writing
) -> Iterator[Finding]:
    person = next(iter(people), None)
    values = preview_values(tags, person)
    for url in compiled.links:
        try:
            links.link_target(url, values)
        except ContentError:
            if person is None and links.link_tags(url):
                continue  # an example has no web address of its own
            yield _broken_link(url)
    loose = _untracked(compiled, values)
    yield from (_broken_link(url) for url in loose)
    if not compiled.links and not loose and writing.source.strip():
        yield of_content(
            level=Level.WARNS,
            code="no_link",
            text=_("There is no link besides the footer's."),
            note=_("Give your readers somewhere to go, if that is what you want."),
        )


def _untracked(compiled: CompiledContent, values: dict[str, str]) -> list[str]:
    """Return links that are neither ours nor tracked nor for mail or telephone."""
    if compiled.html is None:
        return []
    ours = values | {f"{links.LINK_TAG}{n}": "#" for n in range(1, len(compiled.links) + 1)}
    try:
        html = compiled.html.render(ours)
    except ContentError:
        return []
    found: dict[str, None] = {}
    for element in markup.elements(html):
        href = element.get("href") if element.name == "a" and not element.closes else None
        address = web_addresses.without_breaks(href or "")
        if href is None or address.startswith("#") or escapes.leads_somewhere(address):
            continue
        found[href] = None
    return list(found)


def _broken_link(url: str) -> Finding:
    return of_content(
        level=Level.BLOCKS,
        code="broken_link",
        text=_("The link “%(url)s” leads nowhere.") % {"url": url[:120] or " "},
        note=_("Give a whole address, beginning with https://."),
        tag=url,
    )
