"""What names a field by its key, a choice by its word or a tag, and follows when these change.

Templates and campaigns don't: what stands in a text is its author's to change, and they are told.
"""

from collections.abc import Callable
from typing import Any

from accounts.models import Membership
from subscribers.imports.mapping import FIELD
from subscribers.models import BulkAction, Import, Segment, SignupRequest

Change = Callable[[dict[str, Any]], dict[str, Any]]


def rename_key(workspace_id: int, *, key: str, new: str) -> None:
    """Let segments, imports, columns, stored filters and held sign-ups follow a field's new key."""
    old_name, new_name = f"{FIELD}{key}", f"{FIELD}{new}"

    def follow(node: dict[str, Any]) -> dict[str, Any]:
        named = {name: new_name for name in ("subject", "to") if node.get(name) == old_name}
        return {**node, **named}

    _rewrite(Segment, "rules", workspace_id, follow)
    _rewrite(Import, "mapping", workspace_id, follow)
    for member in Membership.objects.filter(workspace_id=workspace_id).exclude(people_columns=None):
        columns = [new_name if one == old_name else one for one in member.people_columns or ()]
        Membership.objects.filter(pk=member.pk).update(people_columns=columns)
    for action in BulkAction.objects.filter(workspace_id=workspace_id, filters__field=key):
        filters = {**action.filters, "field": new}
        BulkAction.objects.filter(pk=action.pk).update(filters=filters)
    held = SignupRequest.objects.filter(
        workspace_id=workspace_id, details__fields__has_key=key
    ).select_for_update()
    for request in held:
        given = request.details["fields"]
        given[new] = given.pop(key)
        request.save(update_fields=["details"])


def rename_choice(workspace_id: int, *, key: str, old: str, new: str) -> None:
    """Let segments ask for the choice that took another's place."""

    def replaced(value: Any) -> Any:
        if isinstance(value, list):
            return list(dict.fromkeys(new if one == old else one for one in value))
        return new if value == old else value

    def follow(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("subject") != f"{FIELD}{key}":
            return node
        kept = ("subject", "operator")
        return {name: one if name in kept else replaced(one) for name, one in node.items()}

    _rewrite(Segment, "rules", workspace_id, follow)


def rename_tag(workspace_id: int, *, tag: int, into: int) -> None:
    """Let segments ask for the tag that another one became part of."""

    def follow(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("subject") != "tag" or tag not in (asked := node.get("tags") or ()):
            return node
        named = dict.fromkeys(into if one == tag else one for one in asked)
        return {**node, "tags": list(named)}

    _rewrite(Segment, "rules", workspace_id, follow)


def _rewrite(model: Any, column: str, workspace_id: int, change: Change) -> None:
    for row in model.objects.filter(workspace_id=workspace_id).only(column):
        before = getattr(row, column)
        after = _changed(before, change)
        if after != before:
            model.objects.filter(pk=row.pk).update(**{column: after})


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return {name: _changed(one, change) for name, one in change(value).items()}
    if isinstance(value, list):
        return [_changed(one, change) for one in value]
    return value
