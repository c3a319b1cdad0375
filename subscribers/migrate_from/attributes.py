"""listmonk's attributes: a JSON object for each person, made into columns of their own."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.models import Workspace
from subscribers.fields import definitions
from subscribers.imports import mapping
from subscribers.imports.mapping import ColumnTarget
from subscribers.migrate_from.arrivals import NotBroughtOver, plain
from subscribers.migrate_from.tables import TOO_MANY
from subscribers.models import CustomField
from subscribers.states import FieldType

TYPES = {"number": FieldType.NUMBER, "boolean": FieldType.BOOLEAN}
LONGEST = 2_000


class Attributes:
    """Which attributes there are, and what each becomes."""

    def __init__(
        self, workspace: Workspace, *, kinds: Mapping[str, Iterable[str]], noticed: NotBroughtOver
    ) -> None:
        """Prepare; ``kinds`` maps an attribute to the JSON types that its values have."""
        own = {
            word: field
            for field in CustomField.objects.filter(workspace=workspace)
            for word in (plain(field.key), plain(field.label))
        }
        self.keys: list[str] = []
        self.targets: list[ColumnTarget] = []
        labels: set[str] = set()
        for key in sorted(kinds):
            label = " ".join(key.replace("_", " ").split())[: mapping.LONGEST_LABEL]
            found = own.get(plain(key))
            if not label or label.lower() in labels:
                continue
            if found is None and len(labels) >= mapping.MOST_NEW:
                noticed.left_out[key] = TOO_MANY
                continue
            if found is not None:
                if any(target.to == f"{mapping.FIELD}{found.key}" for target in self.targets):
                    continue
                target = ColumnTarget(to=f"{mapping.FIELD}{found.key}")
            else:
                labels.add(label.lower())
                types = set(kinds[key]) - {"null"}
                kind = TYPES.get(next(iter(types)), FieldType.TEXT) if len(types) == 1 else "text"
                target = ColumnTarget(
                    to=mapping.NEW, label=label[:1].upper() + label[1:], type=FieldType(kind)
                )
            self.keys.append(key)
            self.targets.append(target)

    def cells(self, values: Mapping[str, Any]) -> list[str]:
        """Write a person's attributes, one cell for each key."""
        return [_text(values.get(key)) for key in self.keys]


def read(text: str) -> dict[str, Any] | None:
    """Read a cell of attributes; None when it is no JSON object."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def kind(value: Any) -> str:
    """Name a JSON type as PostgreSQL's ``jsonb_typeof`` does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _text(value: Any) -> str:
    if value is None or isinstance(value, (str, bool, int, float)):
        return definitions.as_text(value)[:LONGEST]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)[:LONGEST]
    return json.dumps(value, ensure_ascii=False)[:LONGEST]
