"""Typed custom fields: read what people write, check it, show it again.

Stored values are what `models.Subscriber.fields` says: text and web address as str, number as int
or float, date as ISO 8601 str, yes or no as bool, choice as str, several choices as list of str.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import formats
from django.utils.text import slugify
from django.utils.translation import pgettext

from accounts.models import Workspace
from subscribers.fields.problems import Problem
from subscribers.models import BulkAction, CustomField
from subscribers.states import BulkStatus, FieldType

LONGEST_TEXT = 2_000
LONGEST_URL = 2_000
LONGEST_KEY = 50
YES = frozenset({"1", "true", "t", "yes", "y", "on", "ya", "iya", "benar", "x", "✓", "ja", "si"})
NO = frozenset({"0", "false", "f", "no", "n", "off", "tidak", "salah", "nein", "-"})
WHOLE = re.compile(r"[+-]?\d{1,15}").fullmatch
DECIMAL = re.compile(r"[+-]?\d{1,15}[.,]\d{1,15}").fullmatch
THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?").fullmatch
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
DAY = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[T ].*)?").fullmatch
FOUR_DIGITS = 4
UNFINISHED = (BulkStatus.WAITING, BulkStatus.RUNNING)

Value = str | int | float | bool | list[str]
# Keys that merge tags already use for what everybody has.
RESERVED_KEYS = frozenset(
    {"id", "email", "name", "first_name", "last_name", "language", "time_zone", "fields"}
)


class DateOrder(StrEnum):
    """How a column writes dates that don't begin with the year."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True, kw_only=True)
class FieldShape:
    """What reading a value needs to know; an import has it before its new fields exist."""

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    date_order: DateOrder = DateOrder.DAY_FIRST


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A custom field as a page asks for it."""

    field: CustomField
    label: str
    help_text: str = ""
    is_required: bool = False
    is_shown_only: bool = False


def shape(field: CustomField, *, date_order: DateOrder = DateOrder.DAY_FIRST) -> FieldShape:
    """Return the shape of a stored field."""
    return FieldShape(
        key=field.key,
        label=field.label,
        type=FieldType(field.type),
        choices=tuple(field.choices),
        date_order=date_order,
    )


def parse(field: FieldShape, text: str) -> Value | None:
    """Read a value as people write it; None for nothing.

    Raises:
        Problem: the text is no value of this type.
    """
    text = text.strip()
    return READERS[field.type](field, text) if text else None


def display(field: FieldShape, value: Value | None) -> str:
    """Write a stored value for people, in the language in use; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return pgettext("field value", "Yes") if value else pgettext("field value", "No")
    if isinstance(value, (int, float)):
        return formats.number_format(value, use_l10n=True, force_grouping=True)
    if isinstance(value, list):
        return ", ".join(value)
    return _day(value) if field.type is FieldType.DATE else value


def _day(value: str) -> str:
    try:
        return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")
    except ValueError:
        return value


def as_text(value: Value | None) -> str:
    """Write a stored value so that `parse` reads it back: for form fields and CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def make_key(label: str, *, taken: Sequence[str] = ()) -> str:
    """Make a key for merge tags from a label: "Favourite coffee" becomes favourite_coffee."""
    base = slugify(label).replace("-", "_")[: LONGEST_KEY - 4].strip("_") or "field"
    if base[0].isdigit():
        base = f"field_{base}"[: LONGEST_KEY - 4]
    key, number = base, 1
    while key in taken or key in RESERVED_KEYS:
        number += 1
        key = f"{base}_{number}"
    return key


@transaction.atomic
def create(
    workspace: Workspace, *, label: str, kind: FieldType, choices: Sequence[str] = ()
) -> CustomField:
    """Create a field under a free key (one that is still being removed is not free)."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)  # one field at a time
    known = list(CustomField.objects.filter(workspace=workspace).values_list("key", flat=True))
    going = BulkAction.objects.filter(workspace=workspace, status__in=UNFINISHED)
    leaving = going.filter(settings__has_key="key").values_list("settings", flat=True)
    taken = [*known, *(key for row in leaving for key in (row["key"], row.get("new", "")))]
    return CustomField.objects.create(
        workspace=workspace,
        key=make_key(label, taken=taken),
        label=label.strip()[:80],
        type=kind,
        choices=list(choices),
        position=len(known),
    )


def _text(_field: FieldShape, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise Problem("too_long", limit=LONGEST_TEXT)
    if CONTROL(text):
        raise Problem("control_character")
    return text


def _number(_field: FieldShape, text: str) -> int | float:
    if WHOLE(text):
        return int(text)
    if THOUSANDS(text):
        if DECIMAL(text):
            # 1.234 is written the way JSON and spreadsheets' exports write it; 1,234 may be either.
            if "," in text:
                raise Problem("number_ambiguous")
            return float(text)
        return _grouped(text)
    if DECIMAL(text):
        return float(text.replace(",", "."))
    try:
        number = float(text)
    except ValueError as error:
        raise Problem("number") from error
    if not math.isfinite(number) or "_" in text:
        raise Problem("number")
    return number


def _grouped(text: str) -> int | float:
    marks = [mark for mark in text if not mark.isdigit() and mark not in "+-"]
    plain = text.replace(marks[0], "")
    return int(plain) if marks[-1] == marks[0] else float(plain.replace(marks[-1], "."))


def _date(field: FieldShape, text: str) -> str:
    found = DAY(text)
    if not found:
        raise Problem("date")
    first, second, third = found.groups()
    if len(first) == FOUR_DIGITS:
        year, month, day = first, second, third
    elif len(third) == FOUR_DIGITS:
        year = third
        month, day = (second, first) if field.date_order is DateOrder.DAY_FIRST else (first, second)
    else:
        raise Problem("date")
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        day_first = field.date_order is DateOrder.DAY_FIRST
        code = "date_impossible" if day_first else "date_impossible_month_first"
        raise Problem(code) from error


def _boolean(_field: FieldShape, text: str) -> bool:
    word = text.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise Problem("boolean")


def _choice(field: FieldShape, text: str) -> str:
    for choice in field.choices:
        if choice.casefold() == text.casefold():
            return choice
    raise Problem("choice", choices=", ".join(field.choices)[:200])


def _choices(field: FieldShape, text: str) -> list[str]:
    separator = ";" if ";" in text else "|" if "|" in text else ","
    chosen = {_choice(field, part.strip()): None for part in text.split(separator) if part.strip()}
    return list(chosen)


def _url(_field: FieldShape, text: str) -> str:
    if len(text) > LONGEST_URL:
        raise Problem("too_long", limit=LONGEST_URL)
    if any(letter.isspace() for letter in text) or CONTROL(text):
        raise Problem("url")
    try:
        split = urlsplit(text)
    except ValueError as error:
        raise Problem("url") from error
    if split.scheme.lower() not in {"http", "https"} or not split.hostname:
        raise Problem("url")
    return text


READERS: dict[FieldType, Callable[[FieldShape, str], Any]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.DATE: _date,
    FieldType.BOOLEAN: _boolean,
    FieldType.CHOICE: _choice,
    FieldType.MULTI_CHOICE: _choices,
    FieldType.URL: _url,
}
