"""The filters and tests that authors may use; each keeps its result within bounds.

Jinja's own are not offered: several can be made to allocate gigabytes or to walk attributes.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import date
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import quote

from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from jinja2 import Undefined
from markupsafe import Markup

from campaigns.rendering import escapes
from campaigns.rendering.budget import MAX_STRING, bounded, charge
from campaigns.rendering.errors import ContentError
from campaigns.rendering.values import DAY_PATTERN, EMPTY, Choices, Day, MissingValue, Number

_MAX_DIGITS = 10


def text_of(value: Any) -> str:
    """Return a value as plain text; lists have to be joined first."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list | tuple | dict):
        raise ContentError(_('A list can\'t be written out. Join it first: {{ list|join(", ") }}.'))
    if callable(value) and not isinstance(value, Undefined):
        raise ContentError(_("A macro can't be written out without calling it: add ()."))
    return str(value)


def default(value: Any, fallback: Any = "", _boolean: bool = False) -> Any:  # noqa: FBT001, FBT002 - Jinja's signature
    """Return the fall-back when a person has no value; empty counts as none."""
    return fallback if value is None or isinstance(value, Undefined) or value == "" else value


def _plain(change: Callable[[str], str]) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        text = text_of(value)
        bounded(len(text))
        result = change(text)
        charge(len(result))
        return result

    return apply


def _title(text: str) -> str:
    return " ".join(part[:1].upper() + part[1:].lower() for part in text.split(" "))


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace every occurrence."""
    text, before, after = text_of(value), text_of(old), text_of(new)
    bounded(len(text) + text.count(before) * len(after))
    return text.replace(before, after)


def truncate(value: Any, length: int = 255, end: str = "…") -> str:
    """Shorten to at most ``length`` characters, at a word's end where there is one."""
    text, end = text_of(value), text_of(end)
    limit = whole(length)
    if len(text) <= limit:
        return text
    bounded(len(text) + len(end))
    cut = text[: max(limit - len(end), 0)]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + end


def join(value: Any, separator: Any = ", ") -> str:
    """Join a list's items."""
    items = [text_of(item) for item in listed(value)]
    between = text_of(separator)
    bounded(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def listed(value: Any) -> Iterable[Any]:
    """Return what can be looped over: a list, several choices, a text's characters."""
    if isinstance(value, Choices):
        return value.items
    if isinstance(value, str | list | tuple | Mapping):
        return value
    if value is None or isinstance(value, Undefined):
        return ()
    raise ContentError(_("Only a list can be looped over."))


def counted(value: Any, cost: int = 1) -> Iterator[Any]:
    """Loop over a list, charging each round."""
    for item in listed(value):
        charge(cost)
        yield item


def length(value: Any) -> int:
    """Count a list's items or a text's characters."""
    items = listed(value)
    return len(items) if isinstance(items, str | list | tuple | Mapping) else 0


def first(value: Any) -> Any:
    """Return the first item."""
    return next(iter(listed(value)), "")


def last(value: Any) -> Any:
    """Return the last item."""
    items = list(listed(value))
    charge(len(items))
    return items[-1] if items else ""


def number_of(value: Any) -> float:
    """Return a value's number; 0 when it is none."""
    if isinstance(value, Number):
        return value.number
    if isinstance(value, int | float):
        return value
    try:
        return float(text_of(value)[:30])
    except ValueError:
        return 0.0


def _is_missing(value: Any) -> bool:
    return isinstance(value, MissingValue | Undefined)


def whole(value: Any, fallback: int = 0) -> int:
    """Return a whole number, else the fall-back."""
    number = number_of(value)
    return int(number) if abs(number) < MAX_STRING * 1e9 else fallback


def rounded(value: Any, precision: int = 0) -> Any:
    """Round half to even."""
    if _is_missing(value):
        return EMPTY
    digits = min(max(whole(precision), 0), _MAX_DIGITS)
    result = round(number_of(value), digits)
    return int(result) if not digits else result


def number(value: Any, decimals: int | None = None) -> str:
    """Write a number with the separators of the mail's language: 12,480."""
    if _is_missing(value):
        return EMPTY
    digits = None if decimals is None else min(max(whole(decimals), 0), _MAX_DIGITS)
    amount = number_of(value)
    if digits is None and amount == int(amount):
        digits = 0
    return _grouped(amount, digits, getattr(value, "language", None))


@lru_cache(maxsize=1024)
def _grouped(amount: float, digits: int | None, language: str | None) -> str:
    with translation.override(language) if language else nullcontext():
        return number_format(amount, digits, use_l10n=True, force_grouping=True)


def day(value: Any, pattern: str = DAY_PATTERN) -> str:
    """Write a date by Django's format letters: ``{{ birthday|date("j F") }}``."""
    iso = value.iso if isinstance(value, Day) else text_of(value)[:10]
    if not iso:
        return ""
    try:
        return _dated(iso, text_of(pattern)[:60], getattr(value, "language", None))
    except (ValueError, TypeError, AttributeError) as error:
        raise ContentError(_("“%(value)s” is not a date.") % {"value": iso}) from error


@lru_cache(maxsize=1024)
def _dated(iso: str, pattern: str, language: str | None) -> str:
    with translation.override(language) if language else nullcontext():
        return date_format(date.fromisoformat(iso), pattern)


def concat(first_part: Any, *parts: Any) -> str:
    """Join texts (the ``~`` operator)."""
    texts = [text_of(part) for part in (first_part, *parts)]
    bounded(sum(map(len, texts)))
    if any(isinstance(part, Markup) for part in (first_part, *parts)):
        return Markup("").join(
            part if isinstance(part, Markup) else text
            for part, text in zip((first_part, *parts), texts, strict=True)
        )
    return "".join(texts)


def size_of(value: Any) -> int:
    """Return how much work it is to look through a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple | dict):
        inside = value.values() if isinstance(value, dict) else value
        return len(value) + sum(map(size_of, inside))
    return 1


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


def compare(left: Any, *others: Any) -> Any:
    """Compare with each of ``others`` in turn: an operator's name (Jinja's), its right side."""
    result: Any = True
    for name, right in zip(others[::2], others[1::2], strict=True):
        charge(size_of(left) + size_of(right))
        result = _COMPARISONS[name](left, right)
        if not result:
            break
        left = right
    return result


def charging(work: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter or test charge for the size of what it is given, whatever else it charges."""

    @wraps(work)
    def charge_first(value: Any, *args: Any, **kwargs: Any) -> Any:
        charge(size_of(value))
        return work(value, *args, **kwargs)

    return charge_first


def safe(_value: Any) -> str:
    """Refuse: people's values must not become mark-up."""
    raise ContentError(
        _("|safe is not available: what people typed could change the email. Leave it out."),
        tag="safe",
    )


def charged(_nothing: str, cost: int) -> str:
    """Charge text that a loop or macro is about to write."""
    charge(cost)
    return ""


def keep(value: Any) -> Any:
    """Check each value that is written out (Jinja's ``finalize``)."""
    if isinstance(value, Markup):
        charge(len(value))
        return value
    if isinstance(value, Undefined):
        charge(1)
        return value
    text = "" if value is None else text_of(value)
    charge(len(text))
    return text


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "upper": _plain(str.upper),
    "lower": _plain(str.lower),
    "title": _plain(_title),
    "capitalize": _plain(str.capitalize),
    "trim": _plain(str.strip),
    "replace": replace,
    "truncate": truncate,
    "join": join,
    "length": length,
    "count": length,
    "first": first,
    "last": last,
    "int": whole,
    "float": number_of,
    "round": rounded,
    "abs": lambda value: EMPTY if _is_missing(value) else abs(number_of(value)),
    "number": number,
    "date": day,
    "urlencode": _plain(lambda text: quote(text, safe="")),
    "safe": safe,
}
FILTERS = {name: charging(work) for name, work in FILTERS.items()}
INTERNAL_FILTERS: dict[str, Callable[..., Any]] = {
    "_url": escapes.url_part,
    "_whole_url": escapes.whole_url,
    "_word": escapes.word,
    "_css": escapes.css,
    "_json": escapes.script_string,
    "_counted": counted,
    "_concat": concat,
    "_compare": compare,
    "_charged": charged,
}
TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Undefined) and value != "",
    "undefined": lambda value: isinstance(value, Undefined) or value == "",
    "none": lambda value: value is None,
    "empty": lambda value: not value,
    "odd": lambda value: whole(value) % 2 == 1,
    "even": lambda value: whole(value) % 2 == 0,
    "in": lambda value, items: compare(value, "in", items),
    "number": lambda value: isinstance(value, int | float | Number),
    "string": lambda value: isinstance(value, str),
}
TESTS = {name: charging(work) for name, work in TESTS.items()}
