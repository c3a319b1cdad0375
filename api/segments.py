"""Segments for programs: rules in and out as JSON, counts, and their people page by page."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, NoReturn

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import AfterValidator, Field, StringConstraints

from accounts.models import Workspace
from accounts.roles import Permission
from api.access import workspace_of
from subscribers import tasks
from subscribers.directory.paging import Walk, of_segment
from subscribers.fields import usage
from subscribers.models import Segment, Subscriber
from subscribers.segments import estimating, members, saving, tree
from subscribers.segments.kinds import Scope
from subscribers.segments.tree import InvalidRules

MOST_MEMBERS = 500

router = Router(tags=["segments"])


def _line(text: str) -> str:
    if not tree.is_storable(text):
        msg = "There is something in it that can't be stored."
        raise ValueError(msg)
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_line)]


class SegmentIn(Schema):
    """A segment to make, or to put in another's place."""

    name: Line = Field(min_length=1, max_length=saving.LONGEST_NAME)
    description: Line = Field("", max_length=300)
    rules: dict[str, Any]


class RulesIn(Schema):
    """Rules to count without storing them."""

    rules: dict[str, Any]


class SegmentOut(Schema):
    """A segment; ``count`` is how many people fitted it at ``counted_at``.

    Both are null for a moment after it was saved, where there are 20,000 people and more.
    """

    id: int
    name: str
    description: str
    rules: dict[str, Any]
    count: int | None
    counted_at: datetime | None
    updated_at: datetime


class EstimateOut(Schema):
    """How many people probably fit: 19 of 20 such ranges, ends included, hold the true number."""

    value: int
    low: int
    high: int


class CountOut(Schema):
    """How many people fit now, and of how many.

    ``people`` is exact and null where only an ``estimate`` was made, which is null otherwise.
    """

    is_exact: bool = True
    people: int | None = None
    estimate: EstimateOut | None = None
    of: int
    milliseconds: int | None = None


class MemberOut(Schema):
    """A person in a segment."""

    id: int
    email: str
    first_name: str
    last_name: str


class MembersOut(Schema):
    """One page; ask again with ``before`` set to ``next`` for the one after it, null: no more."""

    people: list[MemberOut]
    next: int | None


def _find(workspace: Workspace, segment_id: int) -> Segment:
    return get_object_or_404(Segment.objects.filter(workspace=workspace), pk=segment_id)


def _refuse(wrong: InvalidRules) -> NoReturn:
    if isinstance(wrong, saving.Gone):
        raise HttpError(404, wrong.faults[0].message) from wrong
    if isinstance(wrong, members.TooMuch):
        raise HttpError(503, wrong.faults[0].message) from wrong
    told = "; ".join(f"{fault.place or 'rules'}: {fault.message}" for fault in wrong.faults)
    raise HttpError(422, told) from wrong


def _save(segment: Segment, given: SegmentIn) -> Segment:
    name = " ".join(given.name.split())
    try:
        saving.save(segment, name=name, description=given.description, rules=given.rules)
    except InvalidRules as wrong:
        _refuse(wrong)
    except saving.NameTaken as taken:
        raise HttpError(409, "Another segment has this name.") from taken
    if segment.count is None:
        transaction.on_commit(partial(tasks.count_segment.delay, segment.pk), robust=True)
    return segment


def _estimate(scope: Scope, group: tree.RuleGroup, *, exact: bool) -> dict[str, Any] | None:
    found = None if exact else estimating.estimate(scope, group)
    return {"is_exact": False, "estimate": found, "of": found.of} if found else None


@router.get("", response=list[SegmentOut], summary="All segments")
def list_segments(request: HttpRequest) -> Any:
    """Return the workspace's segments by name."""
    return Segment.objects.filter(workspace=workspace_of(request, Permission.VIEW))


@router.post("", response={201: SegmentOut}, summary="Make a segment")
def create_segment(request: HttpRequest, given: SegmentIn) -> Any:
    """Make a segment; 422 names each fault of the rules with its place."""
    segment = Segment(workspace=workspace_of(request, Permission.EDIT))
    return Status(201, _save(segment, given))


@router.post("/count", response=CountOut, summary="Count rules without storing them")
def count_rules(request: HttpRequest, given: RulesIn, *, exact: bool = False) -> Any:
    """Count the people who fit these rules now.

    Of 20,000 people and more it is an estimate; ``exact=true`` waits for the number.
    """
    scope = Scope(workspace=workspace_of(request, Permission.VIEW))
    try:
        group = saving.check(given.rules, scope)
        return _estimate(scope, group, exact=exact) or members.count(scope, group)
    except InvalidRules as wrong:
        _refuse(wrong)


@router.get("/{segment_id}", response=SegmentOut, summary="One segment")
def get_segment(request: HttpRequest, segment_id: int) -> Any:
    """Return a segment with its rules."""
    return _find(workspace_of(request, Permission.VIEW), segment_id)


@router.put("/{segment_id}", response=SegmentOut, summary="Change a segment")
def update_segment(request: HttpRequest, segment_id: int, given: SegmentIn) -> Any:
    """Put other rules in a segment's place; 422 names each fault with its place."""
    return _save(_find(workspace_of(request, Permission.EDIT), segment_id), given)


@router.delete("/{segment_id}", response={204: None}, summary="Delete a segment")
def delete_segment(request: HttpRequest, segment_id: int) -> Any:
    """Delete a segment; 409 while something uses it."""
    try:
        saving.delete(_find(workspace_of(request, Permission.EDIT), segment_id))
    except usage.InUse as used:
        names = ", ".join(f"{use.kind_name} {use.name}" for use in used.uses)
        raise HttpError(409, f"It is used: {names}.") from used
    return Status(204, None)


@router.get("/{segment_id}/count", response=CountOut, summary="Count a segment now")
def count_segment(request: HttpRequest, segment_id: int, *, exact: bool = False) -> Any:
    """Count the people who fit a segment now.

    Of 20,000 people and more it is an estimate; ``exact=true`` waits for the number.
    """
    segment = _find(workspace_of(request, Permission.VIEW), segment_id)
    scope = saving.scope_of(segment)
    try:
        group = tree.read(segment.rules, scope.subjects)
        return _estimate(scope, group, exact=exact) or saving.recount(segment)
    except InvalidRules as wrong:
        _refuse(wrong)


@router.get("/{segment_id}/members", response=MembersOut, summary="The people in a segment")
def list_members(
    request: HttpRequest,
    segment_id: int,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_MEMBERS)] = 100,
) -> Any:
    """Return people, newest first, page by page; of a rare segment as of a minute ago at most.

    Keys that may download people's data see them: an analyst's key may not.
    """
    segment = _find(workspace_of(request, Permission.EXPORT), segment_id)
    try:
        keys = of_segment(segment, Walk(before=before, limit=limit + 1))
    except InvalidRules as wrong:
        _refuse(wrong)
    people = Subscriber.objects.filter(pk__in=keys[:limit], workspace_id=segment.workspace_id)
    more = keys[limit - 1] if len(keys) > limit else None
    return {"people": people.order_by("-pk"), "next": more}
