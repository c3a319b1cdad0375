"""Making, changing, copying and deleting segments, and keeping their counts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.input.once import under_free_name
from accounts.models import User, Workspace
from subscribers.fields import usage
from subscribers.fields.usage import InUse
from subscribers.models import Segment, SegmentDay
from subscribers.segments import compiling, estimating, members, tree
from subscribers.segments.kinds import Scope
from subscribers.segments.tree import Condition, InvalidRules, Path, RuleFault, RuleGroup

Found = members.Count | estimating.Estimate
LONGEST_NAME = 120
KEPT_DAYS = 400
UNIQUE_NAME = "segment_name_unique"


class Gone(InvalidRules):
    """The segment was deleted meanwhile; its fault says so."""


class NameTaken(ValueError):  # noqa: N818 - says what is the case
    """Another segment of this workspace has this name."""


def check(rules: Any, scope: Scope) -> RuleGroup:
    """Read rules, and make sure that they can be asked.

    Raises:
        InvalidRules: they can't; each fault has its place.
    """
    group = tree.read(rules, scope.subjects)
    faults: list[RuleFault] = []
    for path, condition in _walk(group):
        try:
            condition.operator.compile(condition.values)
        except InvalidRules as wrong:
            name = condition.operator.inputs[0].name if condition.operator.inputs else ""
            faults += [
                RuleFault(path=path, message=fault.message, name=name) for fault in wrong.faults
            ]
    if faults:
        raise InvalidRules(faults)
    compiling.condition(group)  # all together they may be too much
    return group


def _walk(group: RuleGroup, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    for number, rule in enumerate(group.rules):
        if isinstance(rule, RuleGroup):
            yield from _walk(rule, (*path, number))
        else:
            yield (*path, number), rule


def scope_of(segment: Segment) -> Scope:
    """Return what reading this segment's rules knows."""
    inside = (segment.pk,) if segment.pk else ()
    return Scope(workspace=segment.workspace, inside=inside)


def save(segment: Segment, *, name: str, description: str, rules: Any) -> Found:
    """Store a new or a changed segment, and say how many people it has.

    Of many it is an estimate: `recount` it, without anybody waiting.

    Raises:
        NameTaken: another one has this name.
        InvalidRules: the rules can't be read, or counting takes too long; nothing is stored.
    """
    scope = scope_of(segment)
    group = check(rules, scope)
    segment.name, segment.description = name, description
    segment.rules = tree.write(group)
    segment.updated_at = timezone.now()
    found = size(scope, group)  # before it is stored: what can't be counted is of no use
    if not isinstance(found, members.Count):
        segment.count = segment.counted_at = None
    try:
        with transaction.atomic():
            if segment.pk:  # else saving would bring back one that is deleted now
                list(Segment.objects.select_for_update().filter(pk=segment.pk).values("pk"))
                _still_there(segment)
            segment.save()
    except IntegrityError as error:  # the database alone knows, however close two come
        if UNIQUE_NAME not in str(error):
            raise
        raise NameTaken from error
    if isinstance(found, members.Count):
        _remember(segment, found)
    return found


def create(
    workspace: Workspace, *, name: str, rules: Any, description: str = "", by: User | None = None
) -> Segment:
    """Make a segment; raises as `save`."""
    segment = Segment(workspace=workspace, created_by=by)
    save(segment, name=name, description=description, rules=rules)
    return segment


def size(scope: Scope, group: RuleGroup) -> Found:
    """Say at once how many people fit: counted where they are few, else estimated.

    Raises:
        TooMuch: it takes too long even to count them.
    """
    try:
        about = estimating.estimate(scope, group)
    except members.TooMuch:  # the exact count has more time
        about = None
    return about or members.count(scope, group)


def note(segment: Segment, group: RuleGroup, found: members.Count) -> None:
    """Remember a count that was asked of a stored segment's own rules."""
    if segment.pk and tree.write(group) == segment.rules:
        _remember(segment, found)


def recount(segment: Segment) -> members.Count:
    """Count a segment's people, and remember it for the list of segments and for the chart.

    Raises:
        InvalidRules: the rules can't be read (any more), or counting takes too long.
        Gone: it was deleted while it was counted.
    """
    scope = scope_of(segment)
    found = members.count(scope, tree.read(segment.rules, scope.subjects))
    _remember(segment, found)
    _still_there(segment)
    return found


@transaction.atomic  # the update holds the row: it can't go before its day is written
def _remember(segment: Segment, found: members.Count) -> None:
    segment.count, segment.counted_at = found.people, timezone.now()
    # Only if it is still there with these rules, and only these two: somebody may be saving it.
    stored = Segment.objects.filter(pk=segment.pk, updated_at=segment.updated_at)
    if not stored.update(count=found.people, counted_at=segment.counted_at):
        return
    SegmentDay.objects.update_or_create(
        segment=segment,
        day=segment.counted_at.astimezone(UTC).date(),
        defaults={"count": found.people},
    )


def _still_there(segment: Segment) -> None:
    if not Segment.objects.filter(pk=segment.pk).exists():
        text = _("The segment was deleted meanwhile.")
        raise Gone([RuleFault(path=(), message=text)])


def due() -> Iterable[Segment]:
    """Return the segments that have not been counted today (UTC), or not since they were changed.

    Very old counts are forgotten.
    """
    today = timezone.now().astimezone(UTC).date()
    SegmentDay.objects.filter(day__lt=today - timedelta(days=KEPT_DAYS)).delete()
    counted = Q(days__day=today) & Q(count__isnull=False)
    today_and_known = Segment.objects.filter(counted).values("pk")
    rows = Segment.objects.exclude(pk__in=today_and_known)
    return rows.select_related("workspace").order_by("pk")


def duplicate(segment: Segment, *, by: User | None) -> Segment:
    """Make a copy under a free name."""
    names = Segment.objects.filter(workspace=segment.workspace).values_list("name", flat=True)
    return under_free_name(
        _("%(name)s (copy)") % {"name": segment.name[: LONGEST_NAME - 20]},
        taken=lambda: set(names.all()),
        make=lambda name: Segment.objects.create(
            workspace=segment.workspace,
            name=name,
            description=segment.description,
            rules=segment.rules,
            count=segment.count,
            counted_at=segment.counted_at,
            created_by=by,
        ),
    )


@transaction.atomic
def delete(segment: Segment) -> None:
    """Delete a segment that nothing uses.

    Raises:
        InUse: something does, and says what.
    """
    Segment.objects.select_for_update().filter(pk=segment.pk).first()
    holding = [use for use in usage.of_segment(segment) if use.holds]
    if holding:
        raise InUse(holding)
    segment.delete()
