"""Which people are meant: everything the list of people can be narrowed by, and an action too.

The same filters stand in a page's address (`PeopleFilters.query`), in a stored action
(`PeopleFilters.stored`) and in a query of the database (`directory.matching`).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from accounts.input.numbers import row_number
from accounts.models import Workspace
from accounts.workspaces import zones
from subscribers.addresses.folding import FoldedCase, folded
from subscribers.directory import directory, hygiene
from subscribers.fields import custom_values
from subscribers.fields.problems import Problem
from subscribers.models import CustomField, Subscriber
from subscribers.states import AddressFlag, SubscriptionStatus

LONGEST_TEXT = 200
YEARS = range(1900, 2200)  # of days: whatever the time zone, there is a day before and after
INT_NAMES = frozenset({"list_id", "tag_id", "segment_id"})

# Rooms above know more about people (what they opened): name → condition. Filled when apps start.
Condition = Callable[[Workspace, str], Q]
_conditions: dict[str, Condition] = {"waiting": hygiene.waiting}


def register(name: str, condition: Condition) -> None:
    """Let the list of people be narrowed by something that another app knows.

    ``condition`` gets the workspace and the text behind the colon of ``known=name:text``.
    """
    _conditions[name] = condition


@dataclass(frozen=True, kw_only=True)
class PeopleFilters(directory.Filters):
    """What people are narrowed to; empty is everybody.

    ``field`` is a custom field's key, ``value`` what it holds ("": anything); days are the
    workspace's own and both belong to the span; ``known`` is a condition that `register` named.
    ``unread`` names what was asked for and makes no sense: then it is nobody, never more people.
    """

    field: str = ""
    value: str = ""
    flag: int = 0
    added_from: str = ""
    added_until: str = ""
    known: str = ""
    unread: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Read filters from a page's address or a stored action.

        In an address they have short names (`NAMES`). What makes no sense is named by ``unread``.
        """
        values: dict[str, Any] = {}
        asked: dict[str, str] = {}
        for name in (field.name for field in fields(cls)):
            raw = given.get(NAMES.get(name, name)) or given.get(name) or ""
            text = asked[name] = str(raw).strip()
            text = "" if len(text) > LONGEST_TEXT else text
            values[name] = row_number(text) if name in INT_NAMES else text
        values["flag"] = row_number(values["flag"]) or 0
        if values["flag"] not in {int(flag) for flag in AddressFlag}:
            values["flag"] = 0
        if values["status"] not in SubscriptionStatus.values:
            values["status"] = ""
        for name in ("added_from", "added_until"):
            values[name] = _day(values[name])
        if values["known"].partition(":")[0] not in _conditions:
            values["known"] = ""
        asked["flag"] = asked["flag"].removeprefix("0")
        lost = [name for name, text in asked.items() if text and not values[name]]
        values["unread"] = values["unread"] or ", ".join(NAMES.get(name, name) for name in lost)
        return cls(**values)

    def stored(self) -> dict[str, Any]:
        """Return the filters that are set, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if value}

    def query(self, **changes: Any) -> str:
        """Return the filters as a page's address has them, with some changed."""
        values = {**dict(self.pairs()), **changes}
        return urlencode({name: value for name, value in values.items() if value})

    def pairs(self) -> list[tuple[str, Any]]:
        """Return the filters that are set under the names that a page's address has for them."""
        return [(NAMES.get(name, name), value) for name, value in self.stored().items()]

    @property
    def is_narrowed(self) -> bool:
        """Say whether anybody is left out."""
        return bool(self.stored())

    @property
    def more(self) -> int:
        """How many of the filters are set that the page folds away."""
        return len(set(self.stored()) - {"search", "list_id", "status", "tag_id"})

    def narrow(self, people: QuerySet[Subscriber], workspace: Workspace) -> QuerySet[Subscriber]:
        """Leave only those whom these filters leave, besides the search, the list and status."""
        if self.unread:
            return people.none()
        people = super().narrow(people, workspace)
        if self.flag:
            people = people.annotate(noticed=F("address_flags").bitand(self.flag))
            people = people.filter(noticed__gt=0)
        if self.added_from:
            people = people.filter(created_at__gte=_moment(workspace, self.added_from))
        if self.added_until:
            people = people.filter(created_at__lt=_moment(workspace, self.added_until, days=1))
        if self.known:
            name, _, text = self.known.partition(":")
            people = people.filter(_conditions[name](workspace, text))
        return self._by_field(people, workspace) if self.field else people

    def _by_field(self, people: QuerySet[Subscriber], workspace: Workspace) -> QuerySet[Subscriber]:
        field = CustomField.objects.filter(workspace=workspace, key=self.field).first()
        if field is None:
            return people.none()
        if not self.value:
            return people.filter(fields__has_key=field.key)
        try:
            value = custom_values.parse(field, self.value)
        except Problem:
            return people.none()
        if isinstance(value, str):
            held = FoldedCase(KeyTextTransform(field.key, "fields"))
            return people.annotate(held=held).filter(held=folded(value))
        return people.filter(fields__contains={field.key: value})


# What a page's address calls them.
NAMES = {"search": "q", "list_id": "list", "tag_id": "tag", "segment_id": "segment"}


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    return day.isoformat() if day.year in YEARS else ""


def _moment(workspace: Workspace, day: str, *, days: int = 0) -> datetime:
    first = date.fromisoformat(day) + timedelta(days=days)
    return datetime.combine(first, time.min, tzinfo=zones.of_workspace(workspace))
