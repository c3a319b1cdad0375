"""What a file's columns are taken for."""

import pytest

from subscribers.imports import mapping
from subscribers.models import CustomField


def taken(workspace, *columns):
    samples = [["a@example.com", *["x"] * (len(columns) - 1)]]
    found = mapping.suggest(workspace, columns=columns, samples=samples)
    return [target.to for target in found]


@pytest.mark.parametrize(
    ("columns", "to"),
    [
        (("email", "Vorname", "Name"), ["email", "first_name", "last_name"]),
        (("email", "Name"), ["email", "name"]),
        (("email", "Interessen"), ["email", "tags"]),
        (("email", "Stadt"), ["email", "new"]),
    ],
)
def test_names_of_columns(workspace, columns, to):
    assert taken(workspace, *columns) == to


def test_own_fields_are_known_by_their_names_in_other_languages(workspace):
    for key, label in (("city", "City"), ("birthday", "Birthday"), ("interests", "Interests")):
        CustomField.objects.create(workspace=workspace, key=key, label=label, type="text")
    found = taken(workspace, "email", "Stadt", "Geburtstag", "Interessen")
    assert found == ["email", "field:city", "field:birthday", "field:interests"]
