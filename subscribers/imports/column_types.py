"""What a column's samples look like: which type a new field should have, how dates are written."""

import re
from collections.abc import Sequence

from subscribers.fields import definitions
from subscribers.fields.definitions import DateOrder, FieldShape
from subscribers.fields.problems import Problem
from subscribers.imports.column_names import is_code
from subscribers.states import FieldType

LONGEST_NUMBER = 9  # digits; a longer one is a phone number or an account
ALIKE = 0.8  # the share of samples that must fit a type


def guess_type(column: str, values: Sequence[str]) -> FieldType:
    """Say which type a new field for a column with these samples should have."""
    filled = [value.strip() for value in values if value.strip()]
    if filled and not is_code(column):
        if {value.lower() for value in filled} <= (definitions.YES | definitions.NO) - {"-", "x"}:
            return FieldType.BOOLEAN
        if any(len(value) > LONGEST_NUMBER for value in filled) or loses_zeros(filled):
            numeric = False
        else:
            numeric = _fits(filled, FieldType.NUMBER, DateOrder.DAY_FIRST) == 1
        if numeric:
            return FieldType.NUMBER
        for kind in (FieldType.DATE, FieldType.URL):
            if any(_fits(filled, kind, order) >= ALIKE for order in DateOrder):
                return kind
    return FieldType.TEXT


def loses_zeros(values: Sequence[str]) -> bool:
    """Say whether a number would lose something: a zero or plus in front of a postcode or phone."""
    return any(re.match(r"\+\d|0\d", value.strip()) for value in values)


def date_order(values: Sequence[str]) -> DateOrder:
    """Say whether a column's dates begin with the day or with the month; the day unless proven."""
    day = _fits(values, FieldType.DATE, DateOrder.DAY_FIRST)
    month = _fits(values, FieldType.DATE, DateOrder.MONTH_FIRST)
    return DateOrder.MONTH_FIRST if month > day else DateOrder.DAY_FIRST


def _fits(values: Sequence[str], kind: FieldType, order: DateOrder) -> float:
    filled = [value for value in values if value.strip()]
    if not filled:
        return 0.0
    field = FieldShape(key="", label="", type=kind, date_order=order)
    good: int = 0
    for value in filled:
        try:
            definitions.parse(field, value)
        except Problem:
            continue
        good += 1
    return good / len(filled)
