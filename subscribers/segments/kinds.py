"""What rules can ask about: subjects, their operators, and the operators' inputs.

Subjects are provided by functions of a `Scope`, since a workspace has its own fields, lists and
campaigns. Rooms above this one register theirs when Django starts (`delivery.engagement`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from accounts.input.numbers import row_number
from accounts.models import Workspace
from accounts.workspaces import zones
from subscribers.models import Subscriber

PLACEHOLDER = re.compile(r"\{(\w+)\}")
MOST_DAYS = 36_500


class InputKind(StrEnum):
    """The type of an input; in JSON str, list of str, number, whole number, ISO date, or values."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    WHOLE = "whole"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing to choose."""

    value: str | int
    label: str


@dataclass(frozen=True, kw_only=True)
class Input:
    """A value that an operator needs.

    ``options`` are what a choice offers. Where there is too much to offer it all, ``find`` looks up
    what a rule names beyond: a stored rule holds as long as that exists.
    """

    name: str
    kind: InputKind
    label: Any
    least: int = 0
    most: int = MOST_DAYS
    options: Callable[[], Sequence[Option]] | None = None
    find: Callable[[int], Option | None] | None = None
    default: Any = None

    def choices(self, chosen: Iterable[Any] = ()) -> list[Option]:
        """Return what is offered, and what of the chosen exists beyond it."""
        offered = list(self.options() if self.options else ())
        known = {str(option.value) for option in offered}
        if self.find:
            beyond = (row_number(str(one)) for one in chosen if str(one) not in known)
            found = (self.find(number) for number in beyond if number is not None)
            offered += [option for option in found if option]
        return offered


Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A sentence with holes: "opened at least {k} of the last {n} campaigns".

    ``compile`` makes a condition on `Subscriber` that is true or false for everybody, never
    unknown, so that "none of these" means what it says.
    """

    key: str
    sentence: Any
    compile: Callable[[Values], Q]
    inputs: tuple[Input, ...] = ()

    def parts(self) -> list[str | Input]:
        """Return the sentence as words and inputs in order."""
        by_name = {each.name: each for each in self.inputs}
        pieces = PLACEHOLDER.split(str(self.sentence))
        return [
            by_name[piece] if number % 2 else piece.strip()
            for number, piece in enumerate(pieces)
            if number % 2 or piece.strip()
        ]


def operator(key: str, sentence: Any, test: Callable[[Values], Q], *inputs: Input) -> Operator:
    """Make an operator of a sentence, a condition, and the inputs in the sentence's holes."""
    return Operator(key=key, sentence=sentence, compile=test, inputs=inputs)


Facts = Callable[[Values, Sequence[Subscriber]], Mapping[int, str]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a rule asks about. ``facts`` says what is so for some people, for samples."""

    key: str
    label: Any
    group: Any
    operators: tuple[Operator, ...]
    facts: Facts | None = None
    note: Any = ""  # what to know about every rule of it, such as whose opens count

    def operator(self, key: str) -> Operator | None:
        """Find an operator by its key."""
        return next((each for each in self.operators if each.key == key), None)


@dataclass
class Scope:
    """What reading one workspace's rules knows; make a new one for each request.

    ``inside`` holds the segments that are being compiled, outermost first: a segment that asks
    about another one is compiled inside it, and none may come to ask about itself. ``nested`` keeps
    what each of them compiled to, so that it is read once however often it is asked about.
    """

    workspace: Workspace
    now: datetime = field(default_factory=timezone.now)
    inside: tuple[int, ...] = ()
    nested: dict[int, Q] = field(default_factory=dict)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return zones.of_workspace(self.workspace)

    @property
    def today(self) -> date:
        """The day in the workspace's time zone."""
        return self.now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the moment a day begins in the workspace's time zone."""
        return datetime.combine(day, time(), tzinfo=self.zone)

    def days_ago(self, days: int) -> datetime:
        """Return the start of the day so long ago: whole days, so that a day's rules stay equal."""
        return self.start_of(shift(self.today, -days))

    @cached_property
    def subjects(self) -> Mapping[str, Subject]:
        """Every subject of the workspace by key, in the order in which editors offer them."""
        return {
            subject.key: subject for provide in _providers.values() for subject in provide(self)
        }


def shift(day: date, days: int) -> date:
    """Return the day so many days later, or the first or last day there is."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


Provider = Callable[[Scope], Iterable[Subject]]
_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Let an app offer subjects; once, when Django starts."""
    _providers[name] = provider
