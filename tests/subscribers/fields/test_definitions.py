"""Typed values: what people write, what is stored, what comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.fields import definitions
from subscribers.fields.definitions import DateOrder, FieldShape
from subscribers.fields.problems import Problem
from subscribers.states import FieldType


def shape(kind, **more):
    return FieldShape(key="x", label="X", type=kind, **more)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.TEXT, "  Java ", "Java"),
        (FieldType.TEXT, "   ", None),
        (FieldType.NUMBER, "42", 42),
        (FieldType.NUMBER, "-1.5", -1.5),
        (FieldType.NUMBER, "1.234", 1.234),
        (FieldType.NUMBER, "12,5", 12.5),
        (FieldType.NUMBER, "1,234,567", 1234567),
        (FieldType.NUMBER, "1.234,56", 1234.56),
        (FieldType.NUMBER, "1e3", 1000.0),
        (FieldType.DATE, "2026-03-31", "2026-03-31"),
        (FieldType.DATE, "2026-03-31T10:00:00Z", "2026-03-31"),
        (FieldType.DATE, "31/03/2026", "2026-03-31"),
        (FieldType.BOOLEAN, "Ya", True),
        (FieldType.BOOLEAN, "0", False),
        (FieldType.URL, "https://example.com/a?b=c", "https://example.com/a?b=c"),
    ],
)
def test_values_that_people_write(kind, text, value):
    assert definitions.parse(shape(kind), text) == value


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (FieldType.NUMBER, "many", "number"),
        (FieldType.NUMBER, "nan", "number"),
        (FieldType.NUMBER, "1_000", "number"),
        (FieldType.NUMBER, "1,234", "number_ambiguous"),
        (FieldType.DATE, "31/02/2025", "date_impossible"),
        (FieldType.DATE, "yesterday", "date"),
        (FieldType.DATE, "1/2/26", "date"),
        (FieldType.BOOLEAN, "maybe", "boolean"),
        (FieldType.URL, "javascript:alert(1)", "url"),
        (FieldType.URL, "example.com", "url"),
        (FieldType.TEXT, "x" * 2001, "too_long"),
        (FieldType.TEXT, "a\x00b", "control_character"),
    ],
)
def test_values_that_are_refused(kind, text, code):
    with pytest.raises(Problem) as caught:
        definitions.parse(shape(kind), text)
    assert caught.value.code == code


def test_choices_ignore_case_and_answer_as_defined():
    roast = shape(FieldType.CHOICE, choices=("Light", "Dark"))
    assert definitions.parse(roast, "dark") == "Dark"
    with pytest.raises(Problem):
        definitions.parse(roast, "burnt")
    several = shape(FieldType.MULTI_CHOICE, choices=("Light", "Dark"))
    assert definitions.parse(several, "dark; LIGHT;dark") == ["Dark", "Light"]


def test_month_first_is_a_column_s_choice():
    american = shape(FieldType.DATE, date_order=DateOrder.MONTH_FIRST)
    assert definitions.parse(american, "03/31/2026") == "2026-03-31"


@given(st.sampled_from(list(FieldType)), st.text(max_size=40))
def test_any_text_is_a_value_or_a_problem_and_a_value_reads_back(kind, text):
    field = shape(kind, choices=("Light", "Dark"))
    try:
        value = definitions.parse(field, text)
    except Problem:
        return
    assert definitions.parse(field, definitions.as_text(value)) == value


@pytest.mark.parametrize(
    ("label", "taken", "key"),
    [
        ("Favourite coffee", [], "favourite_coffee"),
        ("E-mail", [], "e_mail"),
        ("Email", [], "email_2"),
        ("Città", ["citta"], "citta_2"),
        ("2026", [], "field_2026"),
        ("城市", [], "field"),
    ],
)
def test_keys_are_made_from_labels(label, taken, key):
    assert definitions.make_key(label, taken=taken) == key


def test_display_speaks_to_people():
    assert definitions.display(shape(FieldType.BOOLEAN), True) == "Yes"
    assert definitions.display(shape(FieldType.NUMBER), 1234567) == "1,234,567"
    assert definitions.display(shape(FieldType.DATE), "2026-03-31") == "31 March 2026"
    assert definitions.display(shape(FieldType.MULTI_CHOICE), ["a", "b"]) == "a, b"
