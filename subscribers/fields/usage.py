"""Where a field, a tag, a list or a segment is used, so that nobody breaks what they don't see.

This app looks into forms, segments and imports itself; apps above (campaigns and templates)
register how they are asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers.models import CustomField, Import, MailingList, Segment, SignupForm, Tag
from subscribers.states import ImportStatus

# kind: (its word, the page of one)
KINDS: dict[str, tuple[Any, str]] = {
    "campaign": (_("Campaign"), "campaign_open"),
    "template": (_("Template"), "template_edit"),
    "form": (_("Signup form"), "form_edit"),
    "segment": (_("Segment"), "segment_page"),
    "import": (_("Import"), "import_page"),
}


@dataclass(frozen=True, kw_only=True)
class Use:
    """One place, of one of the `KINDS`. ``holds``: what it uses can't be deleted meanwhile."""

    name: str
    kind: str
    pk: int
    holds: bool = True

    @property
    def kind_name(self) -> str:
        """Name what kind of thing it is."""
        return str(KINDS[self.kind][0])

    @property
    def url(self) -> str:
        """Return the address of its page."""
        return reverse(KINDS[self.kind][1], args=[self.pk])


class InUse(ValueError):  # noqa: N818 - says what is the case
    """It can't be deleted; ``uses`` say what keeps it."""

    def __init__(self, uses: list[Use]) -> None:
        super().__init__(", ".join(use.name for use in uses))
        self.uses = uses


_of_fields: dict[str, Callable[[Workspace, str], Iterable[Use]]] = {}
_of_lists: dict[str, Callable[[MailingList], Iterable[Use]]] = {}
_of_segments: dict[str, Callable[[Segment], Iterable[Use]]] = {}


def register(
    app: str,
    *,
    fields: Callable[[Workspace, str], Iterable[Use]],
    lists: Callable[[MailingList], Iterable[Use]],
    segments: Callable[[Segment], Iterable[Use]],
) -> None:
    """Let an app above say where it uses a field (by its key), a list, a segment.

    Called when apps start.
    """
    _of_fields[app], _of_lists[app], _of_segments[app] = fields, lists, segments


def of_field(field: CustomField) -> list[Use]:
    """Return where a field is used: forms, segments, unfinished imports, and what is registered."""
    workspace = field.workspace
    forms = SignupForm.objects.filter(workspace=workspace, fields=field)
    uses = [Use(name=form.name, kind="form", pk=form.pk) for form in forms]
    uses += _segments(workspace, f"field:{field.key}")
    unfinished = [ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED]
    imports = Import.objects.filter(workspace=workspace, status__in=unfinished)
    uses += [
        Use(name=one.filename, kind="import", pk=one.pk)
        for one in imports.only("filename", "mapping")
        if any(target.get("to") == f"field:{field.key}" for target in one.mapping)
    ]
    for finder in _of_fields.values():
        uses += finder(workspace, field.key)
    return uses


def of_list(mailing_list: MailingList) -> list[Use]:
    """Return what keeps a list from being deleted: forms, segments, and what is registered."""
    forms = SignupForm.objects.filter(lists=mailing_list)
    uses = [Use(name=one.name, kind="form", pk=one.pk) for one in forms]
    uses += _segments(mailing_list.workspace, "list", mailing_list.pk)
    for finder in _of_lists.values():
        uses += finder(mailing_list)
    return uses


def of_tag(tag: Tag) -> list[Use]:
    """Return where a tag is used: the segments that ask for it."""
    return _segments(tag.workspace, "tag", tag.pk)


def needing(uses: Iterable[Use]) -> list[Use]:
    """Return the uses that would break: segments, and campaigns that hold it."""
    return [use for use in uses if use.kind == "segment" or (use.kind == "campaign" and use.holds)]


def refuse_if_asked(uses: Iterable[Use]) -> None:
    """Keep what segments, or campaigns that were confirmed, need: without it mail would stop.

    Raises:
        InUse: such are among its uses.
    """
    if asking := needing(uses):
        raise InUse(asking)


def of_segment(segment: Segment) -> list[Use]:
    """Return everything that uses a segment; what keeps it from being deleted comes first."""
    uses = _segments(segment.workspace, "segment", segment.pk)
    for finder in _of_segments.values():
        uses += finder(segment)
    return sorted(uses, key=lambda use: not use.holds)


def _segments(workspace: Workspace, subject: str, value: int | None = None) -> list[Use]:
    found = segments_asking(workspace, subject, value)
    return [Use(name=one.name, kind="segment", pk=one.pk) for one in found]


def segments_asking(workspace: Workspace, subject: str, value: int | None = None) -> list[Segment]:
    """Return the segments whose rules ask about a subject, or about one list, tag or segment.

    ``("field:city",)``, ``("tag", tag.pk)``.
    """
    return [
        segment
        for segment in Segment.objects.filter(workspace=workspace)
        if any(
            rule.get("subject") == subject and (value is None or _has(rule, value))
            for rule in _rules(segment.rules)
        )
    ]


def _rules(raw: Any) -> Iterator[dict[str, Any]]:
    if isinstance(raw, dict):
        for rule in raw.get("rules") or ():
            yield from _rules(rule)
        if "subject" in raw:
            yield raw


def _has(rule: dict[str, Any], value: int) -> bool:
    values = [given for name, given in rule.items() if name not in {"subject", "operator"}]
    return any(given == value or (isinstance(given, list) and value in given) for given in values)
