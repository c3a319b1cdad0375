"""Where a custom field or a tag is used, so that nobody breaks what they don't see.

This room looks into forms, segments and imports itself; rooms above (campaigns and templates)
register how they are asked.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.models import Workspace
from subscribers.models import CustomField, Import, MailingList, Segment, SignupForm, Tag
from subscribers.states import ImportStatus


@dataclass(frozen=True, kw_only=True)
class Use:
    """One place: a campaign, a form … ``route`` and ``pk`` lead there (route "": no page)."""

    name: str
    kind: str  # "campaign", "template", "form", "segment", "import"
    route: str = ""
    pk: int = 0


Finder = Callable[[Workspace, str], Iterable[Use]]
_finders: dict[str, Finder] = {}
_list_finders: dict[str, Callable[[MailingList], Iterable[Use]]] = {}


def register(name: str, finder: Finder) -> None:
    """Let a room above say where it uses a field, given by its key. Called when apps start."""
    _finders[name] = finder


def of_field(field: CustomField) -> list[Use]:
    """Return where a field is used: forms, segments, unfinished imports, and what is registered."""
    workspace = field.workspace
    uses = [
        Use(name=form.name, kind="form", route="form_edit", pk=form.pk)
        for form in SignupForm.objects.filter(workspace=workspace, fields=field)
    ]
    uses += _segments(workspace, lambda node: node.get("subject") == f"field:{field.key}")
    unfinished = [ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED]
    imports = Import.objects.filter(workspace=workspace, status__in=unfinished)
    uses += [
        Use(name=one.filename, kind="import", route="import_page", pk=one.pk)
        for one in imports.only("filename", "mapping")
        if field.key in _texts(one.mapping)
    ]
    for finder in _finders.values():
        uses += finder(workspace, field.key)
    return uses


def register_for_lists(name: str, finder: Callable[[MailingList], Iterable[Use]]) -> None:
    """Let a room above say where it uses a list. Called when apps start."""
    _list_finders[name] = finder


def of_list(mailing_list: MailingList) -> list[Use]:
    """Return what keeps a list from being deleted: forms, and what is registered (campaigns)."""
    forms = SignupForm.objects.filter(lists=mailing_list)
    uses = [Use(name=one.name, kind="form", route="form_edit", pk=one.pk) for one in forms]
    for finder in _list_finders.values():
        uses += finder(mailing_list)
    return uses


def of_tag(tag: Tag) -> list[Use]:
    """Return where a tag is used: the segments that ask for it."""
    return _segments(
        tag.workspace,
        lambda node: node.get("subject") == "tag" and tag.pk in node.get("tags", []),
    )


def _segments(workspace: Workspace, asks: Callable[[dict[str, Any]], bool]) -> list[Use]:
    segments = Segment.objects.filter(~Q(rules={}), workspace=workspace)
    return [
        Use(name=one.name, kind="segment")
        for one in segments
        if any(asks(node) for node in _nodes(one.rules))
    ]


def _nodes(rules: Any) -> Iterable[dict[str, Any]]:
    if isinstance(rules, dict):
        yield rules
        for rule in rules.get("rules", []):
            yield from _nodes(rule)


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_texts(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_texts(each) for each in value))
    return {value} if isinstance(value, str) else set()
