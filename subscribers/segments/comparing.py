"""Operators for values of one type: text, numbers, days, choices.

Each is made over an expression; what is missing counts as not fulfilling it, so "is not Bandung"
holds for those without a city, too. Conditions on JSON are wrapped so that they are never unknown
(`sure`). The database then guesses half of all people for each, and so reads the table once instead
of looking up a million rows one by one.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import CharField, F, Func, JSONField, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, Substr
from django.db.models.lookups import (
    Contains,
    EndsWith,
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)
from django.utils.translation import gettext_lazy as _

from subscribers.addresses.folding import FoldedCase, folded
from subscribers.segments.kinds import (
    Input,
    InputKind,
    Operator,
    Option,
    Scope,
    Values,
    operator,
    shift,
)

EVERYBODY = Q(pk__isnull=False)  # an empty Q would vanish in "any" and "none"
Expression = Callable[[], Any]


def sure(lookup: Any) -> Q:
    """Make an expression a condition that is false where it would be unknown."""
    return Q(Coalesce(lookup, Value(value=False)))


def stored_text(key: str) -> Expression:
    """Return a custom field's value as text."""
    return lambda: KeyTextTransform(key, "fields")


def text_operators(expression: Expression, *, may_be_empty: bool = True) -> tuple[Operator, ...]:
    """Compare text, whatever its case."""
    text = Input(name="text", kind=InputKind.TEXT, label=_("Text"))
    texts = Input(name="texts", kind=InputKind.TEXTS, label=_("Values, with commas between"))

    def own() -> Any:
        return FoldedCase(Coalesce(expression(), Value(""), output_field=TextField()))

    def one_of(values: Values) -> Q:
        return Q(In(own(), [folded(text) for text in values["texts"]]))

    def is_text(values: Values) -> Q:
        return Q(Exact(own(), folded(values["text"])))

    def has(lookup: Any) -> Callable[[Values], Q]:
        return lambda values: Q(lookup(own(), folded(values["text"])))

    def empty(_values: Values) -> Q:
        return Q(Exact(own(), ""))

    found = (
        operator("is", _("is {text}"), is_text, text),
        operator("is_not", _("is not {text}"), lambda values: ~is_text(values), text),
        operator("one_of", _("is one of {texts}"), one_of, texts),
        operator("none_of", _("is none of {texts}"), lambda values: ~one_of(values), texts),
        operator("contains", _("contains {text}"), has(Contains), text),
        operator("contains_not", _("does not contain {text}"), lambda v: ~has(Contains)(v), text),
        operator("starts", _("starts with {text}"), has(StartsWith), text),
        operator("ends", _("ends with {text}"), has(EndsWith), text),
    )
    return (*found, *_emptiness(empty)) if may_be_empty else found


def _emptiness(empty: Callable[[Values], Q]) -> tuple[Operator, ...]:
    return (
        operator("empty", _("is empty"), empty),
        operator("filled", _("is filled in"), lambda values: ~empty(values)),
    )


def stored_emptiness(key: str) -> tuple[Operator, ...]:
    """Say whether a custom field holds anything."""

    def empty(_values: Values) -> Q:
        return Q(In(stored(key), ["", "[]"]))

    return _emptiness(empty)


def stored(key: str) -> Any:
    """Return a custom field's value as text, or "" where there is none."""
    return Coalesce(stored_text(key)(), Value(""), output_field=TextField())


def number_operators(key: str) -> tuple[Operator, ...]:
    """Compare a custom field's number; a value of another type is none."""
    number = Input(name="number", kind=InputKind.NUMBER, label=_("Number"))
    first = Input(name="first", kind=InputKind.NUMBER, label=_("From"))
    last = Input(name="last", kind=InputKind.NUMBER, label=_("To"))

    def test(**bounds: float) -> Q:
        kind = Func(KeyTransform(key, "fields"), function="jsonb_typeof", output_field=CharField())
        found = sure(Exact(kind, "number"))
        for name, bound in bounds.items():
            lookup = {"is_": Exact, "least": GreaterThanOrEqual, "most": LessThanOrEqual}
            lookup |= {"above": GreaterThan, "below": LessThan}
            stored = KeyTransform(key, "fields")
            found &= sure(lookup[name](stored, Value(bound, output_field=JSONField())))
        return found

    return (
        operator("is", _("is {number}"), lambda v: test(is_=v["number"]), number),
        operator("is_not", _("is not {number}"), lambda v: ~test(is_=v["number"]), number),
        operator("least", _("is at least {number}"), lambda v: test(least=v["number"]), number),
        operator("most", _("is at most {number}"), lambda v: test(most=v["number"]), number),
        operator("above", _("is more than {number}"), lambda v: test(above=v["number"]), number),
        operator("below", _("is less than {number}"), lambda v: test(below=v["number"]), number),
        operator(
            "between",
            _("is from {first} to {last}"),
            lambda v: test(least=v["first"], most=v["last"]),
            first,
            last,
        ),
        *stored_emptiness(key),
    )


DAY = Input(name="day", kind=InputKind.DATE, label=_("Day"))
FIRST_DAY = Input(name="first", kind=InputKind.DATE, label=_("First day"))
LAST_DAY = Input(name="last", kind=InputKind.DATE, label=_("Last day"))
DAYS = Input(name="days", kind=InputKind.WHOLE, label=_("Days"), default=30)
Range = Callable[[date, date], Q]  # both days included


def range_operators(scope: Scope, within: Range) -> tuple[Operator, ...]:
    """Compare days, by a condition that asks whether a day lies in a range."""
    today = scope.today

    def span(since: int, until: int) -> Q:
        return within(shift(today, since), shift(today, until))

    return (
        operator("on", _("is on {day}"), lambda v: within(v["day"], v["day"]), DAY),
        operator(
            "before",
            _("is before {day}"),
            lambda v: within(date.min, shift(v["day"], -1)),
            DAY,
        ),
        operator("after", _("is after {day}"), lambda v: within(shift(v["day"], 1), date.max), DAY),
        operator(
            "between",
            _("is from {first} to {last}"),
            lambda v: within(v["first"], v["last"]),
            FIRST_DAY,
            LAST_DAY,
        ),
        operator(
            "in_last", _("is within the last {days} days"), lambda v: span(-v["days"], 0), DAYS
        ),
        operator(
            "over_ago",
            _("is more than {days} days ago"),
            lambda v: within(date.min, shift(today, -v["days"] - 1)),
            DAYS,
        ),
    )


def day_operators(key: str, scope: Scope) -> tuple[Operator, ...]:
    """Compare a custom field's day: ISO dates are ordered as text."""

    def within(first: date, last: date) -> Q:
        text = stored_text(key)
        low = sure(GreaterThanOrEqual(text(), Value(first.isoformat())))
        return low & sure(LessThanOrEqual(text(), Value(last.isoformat())))

    def in_next(values: Values) -> Q:
        return within(scope.today, shift(scope.today, values["days"]))

    def anniversary(values: Values) -> Q:
        return _anniversary(stored_text(key), scope.today, values["days"])

    return (
        *range_operators(scope, within),
        operator("in_next", _("is within the next {days} days"), in_next, DAYS),
        operator(
            "anniversary",
            _("has its day of the year within the next {days} days"),
            anniversary,
            Input(name="days", kind=InputKind.WHOLE, label=_("Days"), default=7, most=366),
        ),
        *stored_emptiness(key),
    )


def _anniversary(text: Expression, today: date, days: int) -> Q:
    """Ask whether month and day come round soon. 29 February comes with the 28th in other years."""
    first, last = today.strftime("%m-%d"), shift(today, days).strftime("%m-%d")
    filled = sure(Exact(Func(text(), function="length", output_field=CharField()), Value(10)))
    if days >= 365:  # noqa: PLR2004 - a year
        return filled
    if last == "02-28" and (today + timedelta(days=days + 1)).day == 1:
        last = "02-29"

    def of_year() -> Any:
        return Substr(text(), 6)

    low = sure(GreaterThanOrEqual(of_year(), Value(first)))
    high = sure(LessThanOrEqual(of_year(), Value(last)))
    return filled & (low & high if first <= last else low | high)


def moment_operators(name: str, scope: Scope) -> tuple[Operator, ...]:
    """Compare a column's moment, by days in the workspace's time zone."""
    return range_operators(scope, lambda first, last: between_days(name, scope, first, last))


def between_days(name: str, scope: Scope, first: date, last: date) -> Q:
    """Ask whether a column's moment lies on one of these days."""
    found = Q()
    if first > date.min:
        found &= Q(**{f"{name}__gte": scope.start_of(first)})
    if last < date.max:
        found &= Q(**{f"{name}__lt": scope.start_of(shift(last, 1))})
    return found or EVERYBODY


def yes_no_operators(key: str) -> tuple[Operator, ...]:
    """Compare a custom field's yes or no."""
    return (
        operator("yes", _("is yes"), lambda _v: sure(Exact(stored_text(key)(), "true"))),
        operator("no", _("is no"), lambda _v: sure(Exact(stored_text(key)(), "false"))),
        *stored_emptiness(key),
    )


def choice_input(options: Callable[[], Sequence[Option]]) -> Input:
    """Make an input that offers several of these."""
    return Input(name="choices", kind=InputKind.CHOICES, label=_("Choices"), options=options)


def choice_operators(
    test: Callable[[list[Any]], Q], options: Callable[[], Sequence[Option]]
) -> tuple[Operator, ...]:
    """Compare with one of several choices."""
    asked = choice_input(options)
    return (
        operator("one_of", _("is one of {choices}"), lambda v: test(v["choices"]), asked),
        operator("none_of", _("is none of {choices}"), lambda v: ~test(v["choices"]), asked),
    )


def several_choices_operators(
    key: str, options: Callable[[], Sequence[Option]]
) -> tuple[Operator, ...]:
    """Compare a custom field of several choices."""
    asked = choice_input(options)

    def has(choice: str) -> Q:
        return sure(_Holds(KeyTransform(key, "fields"), Value([choice], output_field=JSONField())))

    def has_any(values: Values) -> Q:
        found = Q()
        for choice in values["choices"]:
            found |= has(choice)
        return found

    def has_all(values: Values) -> Q:
        found = Q()
        for choice in values["choices"]:
            found &= has(choice)
        return found

    return (
        operator("any", _("has any of {choices}"), has_any, asked),
        operator("all", _("has all of {choices}"), has_all, asked),
        operator("none", _("has none of {choices}"), lambda v: ~has_any(v), asked),
        *stored_emptiness(key),
    )


class _Holds(Func):
    """PostgreSQL's @> of two JSON values, as an expression."""

    arg_joiner = " @> "
    template = "(%(expressions)s)"
    function = ""
    arity = 2

    def __init__(self, *expressions: Combinable) -> None:
        from django.db.models import BooleanField

        super().__init__(*expressions, output_field=BooleanField())


def column(name: str) -> Expression:
    """Return a column of the subscriber."""
    return lambda: F(name)
