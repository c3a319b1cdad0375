"""What merge tags stand for: one person's values and the workspace's constants.

Every value is text, because people read it; typed ones also compare as what they are, so that
``{% if points > 100 %}`` and ``{% if vip %}`` mean what an author expects. What a person doesn't
have fulfils no comparison, as in segments. Values are `Untrusted`
unless we made them ourselves, and each place they are put into protects itself (HTML escapes, a
URL percent-encodes, a header takes no line break).
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol, Self

from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts.choices import USUAL_COLOUR, is_colour
from subscribers.states import FieldType

if TYPE_CHECKING:
    from accounts.models import Workspace

# Filled in by delivery; the URLs of one message.
SYSTEM_TAGS = frozenset({"unsubscribe_url", "preferences_url", "view_url"})
PERSON_TAGS = frozenset({"first_name", "last_name", "name", "email", "language"})
WORKSPACE_TAGS = frozenset({"workspace_name", "postal_address", "website", "brand_colour"})


class Untrusted(str):
    """Text that somebody else wrote. It compares with numbers as one, when it reads as one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float) and not isinstance(other, bool):
            return _number(self) == other
        return str.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return _holds(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return _holds(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return _holds(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return _holds(operator.ge, self, other)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, str) and str.__contains__(self, item)

    __hash__ = str.__hash__


class MissingValue(Untrusted):
    """What a person doesn't have: reads as nothing and fulfils no comparison but with nothing."""

    __slots__ = ()

    def __neg__(self) -> Self:
        return self

    __pos__ = __abs__ = __neg__


class Trusted(str):
    """Text that we made (URLs of our own); still escaped in HTML, never percent-encoded."""

    __slots__ = ()


class Number(Untrusted):
    """A number as people write it, comparing by its value."""

    __slots__ = ("language", "number")
    number: float
    language: str

    def __new__(cls, text: str, number: float, language: str = "en") -> Self:
        """Make a number from its text and value."""
        self = super().__new__(cls, text)
        self.number = number
        self.language = language
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Say how it is made anew (pickle)."""
        return str(self), self.number, self.language

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Number | int | float):
            return self.number == _number(other)
        return str.__eq__(self, other) is True

    def __neg__(self) -> float:
        return -self.number

    def __pos__(self) -> float:
        return self.number

    def __bool__(self) -> bool:
        return bool(self.number)

    __hash__ = Untrusted.__hash__


class YesNo(Untrusted):
    """Yes or no in the reader's language; false when no."""

    __slots__ = ("truth",)
    truth: bool

    def __new__(cls, text: str, *, truth: bool) -> Self:
        """Make a yes or no from its word."""
        self = super().__new__(cls, text)
        self.truth = truth
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, bool]]:
        """Say how it is made anew (pickle)."""
        return (str(self),), {"truth": self.truth}

    def __bool__(self) -> bool:
        return self.truth

    def __eq__(self, other: object) -> bool:
        return self.truth is other if isinstance(other, bool) else str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Untrusted.__hash__


class Day(Untrusted):
    """A date as people write it; compares with ISO dates ("2026-01-31")."""

    __slots__ = ("iso", "language")
    iso: str
    language: str

    def __new__(cls, text: str, iso: str, language: str = "en") -> Self:
        """Make a day from its text and ISO form."""
        self = super().__new__(cls, text)
        self.iso = iso
        self.language = language
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Say how it is made anew (pickle)."""
        return str(self), self.iso, self.language

    def __eq__(self, other: object) -> bool:
        return self.iso == getattr(other, "iso", other) or str.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Untrusted.__hash__


class Choices(Untrusted):
    """Several choices: reads as "tea, coffee", loops over each, ``in`` asks for a whole choice."""

    __slots__ = ("items",)
    items: tuple[str, ...]

    def __new__(cls, items: Sequence[str]) -> Self:
        """Make one text of several choices."""
        self = super().__new__(cls, ", ".join(items))
        self.items = tuple(Untrusted(item) for item in items)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Say how it is made anew (pickle)."""
        return (self.items,)

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items


EMPTY = MissingValue("")
DAY_PATTERN = "j F Y"  # 31 January 2026: read alike everywhere, unlike figures


def _number(value: Any) -> float | None:
    """Return what a value is as a number, None when it is none."""
    if isinstance(value, Number):
        return value.number
    if isinstance(value, int | float):
        return value
    try:
        number = float(value.strip().replace(",", ".")) if isinstance(value, str) else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def _holds(compare: Callable[[Any, Any], bool], left: str, right: Any) -> bool:
    """Compare numbers as numbers, days as days and texts as texts; all else is not comparable."""
    if isinstance(left, MissingValue) or isinstance(right, MissingValue):
        return False
    if isinstance(left, Day) or isinstance(right, Day):
        days = [_iso(left), _iso(right)]
        return None not in days and compare(*days)
    numbers = [_number(left), _number(right)]
    if None not in numbers:
        return compare(*numbers)
    typed = isinstance(left, Number) or isinstance(right, Number)
    return not typed and isinstance(right, str) and compare(str(left), str(right))


def _iso(value: Any) -> str | None:
    """Return a day in its ISO form, None when it is none."""
    if isinstance(value, Day):
        return value.iso
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return None


def typed(value: str) -> str:
    """Return a value as expressions need it: text compares with numbers, nothing with nothing."""
    if type(value) is str:
        return Untrusted(value) if value else EMPTY
    return value or EMPTY if type(value) is Untrusted else value


class Person(Protocol):
    """Whoever a mail is for: a subscriber, or delivery's narrow copy of one."""

    @property
    def email(self) -> str: ...  # noqa: D102
    @property
    def first_name(self) -> str: ...  # noqa: D102
    @property
    def last_name(self) -> str: ...  # noqa: D102
    @property
    def language(self) -> str: ...  # noqa: D102
    @property
    def fields(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeTags:
    """The merge tags that a workspace's authors can use.

    ``fields`` maps a custom field's tag to its key and type; ``constants`` hold the workspace's own
    values; ``language`` is used for people whose language is unknown.
    """

    fields: Mapping[str, tuple[str, FieldType]]
    constants: Mapping[str, str]
    language: str

    @property
    def known(self) -> frozenset[str]:
        """Every tag an author may write."""
        return SYSTEM_TAGS | PERSON_TAGS | WORKSPACE_TAGS | self.fields.keys()


def tag_of(key: str) -> str:
    """Return the merge tag of a custom field's key (a key may hold hyphens, a tag can't)."""
    return key.replace("-", "_")


def brand_colour(workspace: "Workspace") -> str:
    """Return a workspace's colour as #rrggbb."""
    colour = workspace.brand_colour
    return colour if is_colour(colour) else USUAL_COLOUR


def merge_tags(workspace: "Workspace") -> MergeTags:
    """Read a workspace's merge tags (one query)."""
    from subscribers.models import CustomField  # not in rendering processes: they have no database

    fields = CustomField.objects.filter(workspace=workspace).values_list("key", "type")
    reserved = SYSTEM_TAGS | PERSON_TAGS | WORKSPACE_TAGS
    return MergeTags(
        fields={
            tag_of(key): (key, FieldType(kind))
            for key, kind in fields
            if tag_of(key) not in reserved
        },
        constants={
            "workspace_name": Untrusted(workspace.name),
            "postal_address": Untrusted(workspace.postal_address),
            "website": Untrusted(workspace.website),
            "brand_colour": Trusted(brand_colour(workspace)),
        },
        language=workspace.default_language,
    )


def values_for(person: Person, tags: MergeTags) -> dict[str, str]:
    """Return every merge tag's value for a person, the workspace's own included.

    `SYSTEM_TAGS` are missing: delivery adds them, they belong to one message.
    """
    values = dict(tags.constants)
    for tag in PERSON_TAGS:
        values[tag] = person_value(person, tag)
    language = person.language or tags.language
    for tag, (key, kind) in tags.fields.items():
        values[tag] = field_value(person.fields.get(key), kind, language)
    return values


def person_value(person: Person, tag: str) -> Untrusted:
    """Return one of `PERSON_TAGS` for a person."""
    if tag == "name":
        return _text(f"{person.first_name} {person.last_name}".strip())
    return _text(getattr(person, tag))


def _text(value: str) -> Untrusted:
    return Untrusted(value) if value else EMPTY


def field_value(value: Any, kind: FieldType, language: str) -> Untrusted:
    """Format a custom field's stored value for people; what doesn't fit its type stays as it is."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, list):
        return Choices([str(item) for item in value])
    if isinstance(value, bool):
        return YesNo(_yes_no(value, language), truth=value)
    if isinstance(value, int | float):
        return Number(_number_text(value, language), value, language)
    if kind is FieldType.DATE:
        return _day(str(value), language)
    return Untrusted(value)


@lru_cache(maxsize=64)
def _yes_no(truth: bool, language: str) -> str:  # noqa: FBT001 - a cache key
    with translation.override(language):
        return _("yes") if truth else _("no")


@lru_cache(maxsize=8192)
def _number_text(number: float, language: str) -> str:
    with translation.override(language):
        return number_format(Decimal(repr(number)).normalize(), use_l10n=True)


@lru_cache(maxsize=8192)
def _day(iso: str, language: str) -> Untrusted:
    try:
        day = date.fromisoformat(iso[:10])
    except ValueError:
        return Untrusted(iso)
    with translation.override(language):
        return Day(date_format(day, DAY_PATTERN), iso[:10], language)
