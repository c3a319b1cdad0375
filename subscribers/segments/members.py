"""Who belongs to a segment now."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from accounts.models import Workspace
from subscribers.models import Segment, Subscriber, SubscriberTally
from subscribers.segments import compiling, tree
from subscribers.segments.kinds import Scope
from subscribers.segments.tree import RuleGroup

SAMPLES = 3
NEAR = 20_000  # people that are looked at one by one before all are as a set
# Enough to hold the keys of a million people in memory while sets of them are compared.
WORK_MEMORY = "128MB"
# A count reads whole sets. Looking people up one by one, which the planner prefers when it guesses
# that few are left, costs seconds when it guessed wrong; joining sets costs the same every time.
SETTINGS = f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL enable_nestloop = off"
SECONDS = 10  # for one statement that somebody waits for
TOGETHER = 50  # segments that are asked about one person in a statement
AT_ONCE = 2  # counts of one workspace: the web server has a few threads only
_ROOM = 7_263  # of advisory locks, this module's own


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many people fit, of how many, and how long counting took (milliseconds)."""

    people: int
    of: int
    milliseconds: int


def condition(segment: Segment, *, at: datetime | None = None) -> Q:
    """Return the condition on `Subscriber` of belonging to a segment, asked at a moment (now).

    Raises:
        tree.InvalidRules: its rules can't be read (any more): a field they ask about is gone.
    """
    inside = (segment.pk,) if segment.pk else ()
    scope = Scope(workspace=segment.workspace, now=at or timezone.now(), inside=inside)
    return compiling.condition(tree.read(segment.rules, scope.subjects))


def members(segment: Segment, *, at: datetime | None = None) -> QuerySet[Subscriber]:
    """Return the people of the segment's workspace who fit its rules.

    ``at`` is the moment from which "the last five campaigns" and "30 days ago" are counted: now, if
    it is not given. What is known about people is what is known now.

    No rules: everybody. The query is one statement; nothing is read until it is evaluated. Days are
    those of the workspace, so the same rules make the same statement for the length of a day.

    Raises:
        tree.InvalidRules: the rules can't be read (any more); nobody must be guessed in or out.
    """
    everybody = Subscriber.objects.filter(workspace_id=segment.workspace_id)
    return everybody.filter(condition(segment, at=at))


def people(scope: Scope, group: RuleGroup) -> QuerySet[Subscriber]:
    """Return the people who fit rules that need not be stored."""
    everybody = Subscriber.objects.filter(workspace=scope.workspace)
    return everybody.filter(compiling.condition(group))


def fitted(person: Subscriber, segments: Iterable[Segment]) -> list[Segment]:
    """Return those of a workspace's segments that a person fits now, in their order.

    Asked `TOGETHER` at once. A segment whose rules can't be read (any more) has no members.
    """
    scope = Scope(workspace=person.workspace)
    asked: list[tuple[Segment, Q]] = []
    for segment in segments:
        with suppress(tree.InvalidRules):
            asked.append((segment, compiling.condition(tree.read(segment.rules, scope.subjects))))
    found: list[Segment] = []
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        # No rules: everybody.
        cases = {
            f"fits_{number}": Case(When(rule, then=Value(1)), default=Value(0))
            for number, (_segment, rule) in enumerate(some)
            if rule
        }
        everybody = Subscriber.objects.filter(workspace_id=person.workspace_id, pk=person.pk)
        row = everybody.annotate(**cases).values(*cases, "pk").first() or {}
        found += [
            segment
            for number, (segment, _rule) in enumerate(some)
            if row and row.get(f"fits_{number}", 1)
        ]
    return found


class TooMuch(tree.InvalidRules):
    """Reading takes too long, or too many read at the same time; its fault says it."""

    def __init__(self, sentence: str) -> None:
        super().__init__([tree.RuleFault(path=(), message=sentence)])


@contextmanager
def in_time(*, milliseconds: int | None = None) -> Iterator[None]:
    """Give each statement of the block a few seconds, or so many milliseconds.

    Raises:
        TooMuch: one took longer.
    """
    most = round(SECONDS * 1000) if milliseconds is None else milliseconds
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('statement_timeout')")
                before = cursor.fetchone()[0]  # of a block around this one, say
                cursor.execute(f"SET LOCAL statement_timeout = {most}")
            yield
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        text = _("Asking these rules takes more than %(most)s seconds. Make them simpler.")
        raise TooMuch(text % {"most": SECONDS if milliseconds is None else most / 1000}) from error


@contextmanager
def reading_sets(workspace_id: int) -> Iterator[None]:
    """Let the database compare whole sets in memory for the length of the block.

    Raises:
        TooMuch: a statement took too long, or the workspace has sets read at other places already.
    """
    with in_time():
        with connection.cursor() as cursor:
            if not any(_take(cursor, workspace_id, number) for number in range(AT_ONCE)):
                raise TooMuch(_("Other counts are running. Try again in a moment."))
            cursor.execute(SETTINGS)
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem TO DEFAULT; SET LOCAL enable_nestloop TO DEFAULT")


def _take(cursor: CursorWrapper, workspace_id: int, number: int) -> bool:
    place = (workspace_id * AT_ONCE + number) % 2**31
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_ROOM, place])
    return bool(cursor.fetchone()[0])


def size(workspace: Workspace) -> int:
    """Return how many people a workspace has."""
    tally = SubscriberTally.objects.filter(workspace=workspace)
    return tally.values_list("count", flat=True).first() or 0


def count(scope: Scope, group: RuleGroup) -> Count:
    """Count the people who fit.

    Raises:
        TooMuch: it takes too long, or others are counting.
    """
    whole = size(scope.workspace)
    began = time.perf_counter()
    if group.rules:
        with reading_sets(scope.workspace.pk):
            found = people(scope, group).count()
    else:
        found = whole
    return Count(people=found, of=whole, milliseconds=round((time.perf_counter() - began) * 1000))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One person who fits, with the facts that the rules ask about."""

    person: Subscriber
    facts: list[str]


def newest_keys(workspace_id: int, *, number: int) -> int:
    """Return a key above which the workspace's newest people lie, about so many."""
    keys = Subscriber.objects.filter(workspace_id=workspace_id).order_by("-pk")
    return keys.values_list("pk", flat=True)[number : number + 1].first() or 0


def samples(scope: Scope, group: RuleGroup, *, most: int) -> list[Sample]:
    """Return a few of the ``most`` people who fit, the newest first.

    They are looked for among the newest people; only where too few of them fit, among all.

    Raises:
        TooMuch: it takes too long, or others are counting.
    """
    fitting, wanted = people(scope, group).order_by("-pk"), min(SAMPLES, most)
    edge = newest_keys(scope.workspace.pk, number=NEAR)
    with in_time():
        found = list(fitting.filter(pk__gt=edge)[:wanted]) if wanted else []
    if len(found) < wanted:
        with reading_sets(scope.workspace.pk):
            found = list(fitting[:wanted])
    return with_facts(group, found)


def with_facts(group: RuleGroup, found: Sequence[Subscriber]) -> list[Sample]:
    """Add to people the facts that the rules ask about."""
    asked = {
        (rule.subject.key, rule.operator.key): rule
        for rule in tree.conditions(group)
        if rule.subject.facts
    }
    told: dict[int, list[str]] = {person.pk: [] for person in found}
    for rule in asked.values():
        facts = rule.subject.facts(rule.values, found) if rule.subject.facts else {}
        for person in found:
            fact = facts.get(person.pk, "")
            if fact and fact not in told[person.pk]:
                told[person.pk].append(fact)
    return [Sample(person=person, facts=told[person.pk][:4]) for person in found]
