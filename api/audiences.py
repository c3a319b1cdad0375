"""Audiences of campaigns for programs: lists and segments, and who of them gets it."""

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError

from accounts.input import revisions
from accounts.input.numbers import row_number
from accounts.roles import Permission
from api.access import workspace_of
from api.campaigns import find
from api.segments import EstimateOut
from campaigns import queries as choices
from campaigns.audience import rule, sizing
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.audience.sizing import Estimated
from campaigns.drafts import editing
from campaigns.models import Campaign

Row = TypeVar("Row", bound=Model)

router = Router(tags=["campaigns"])


class AudienceIn(Schema):
    """Ids of lists and segments. Segments narrow; without a list, they narrow all lists in use."""

    lists: list[int] = []
    exclude_lists: list[int] = []
    segments: list[int] = []
    exclude_segments: list[int] = []


class AudienceOut(AudienceIn):
    """What is chosen, and how it divides now: ``audience`` = ``will_get`` + all ``left_out``.

    These three are exact, and null where only an ``estimate`` was made: its keys are theirs and the
    reasons', and empty where even that takes too long. It is null otherwise.
    """

    is_exact: bool = True
    audience: int | None = None
    will_get: int | None = None
    left_out: dict[str, int] | None = None
    estimate: dict[str, EstimateOut] | None = None
    revision: int


def _out(campaign: Campaign, *, exact: bool) -> dict[str, object]:
    chosen = choices.chosen(campaign)
    division = rule.breakdown(campaign) if exact else sizing.quick(Audience.of(campaign))
    return {
        **_figures(division),
        "lists": chosen["include"],
        "exclude_lists": chosen["exclude"],
        "segments": chosen["include_segments"],
        "exclude_segments": chosen["exclude_segments"],
        "revision": revisions.current(campaign, part="audience"),
    }


def _figures(division: Breakdown) -> dict[str, object]:
    if isinstance(division, Estimated):
        return {"is_exact": False, "estimate": dict(division.ranges)}
    return {
        "audience": division.audience,
        "will_get": division.will_get,
        "left_out": {reason.value: count for reason, count in division.left_out.items()},
    }


@router.get("/{campaign_id}/audience", response=AudienceOut, summary="Who would get it")
def show_audience(
    request: HttpRequest, campaign_id: int, *, exact: bool = False
) -> dict[str, object]:
    """Show which lists and segments a campaign names, and who of them would get it now.

    Where there are 20,000 people and more it is an estimate; ``exact=true`` waits for the numbers.
    """
    return _out(find(workspace_of(request, Permission.VIEW), campaign_id), exact=exact)


@router.put("/{campaign_id}/audience", response=AudienceOut, summary="Choose who gets it")
def choose_audience(
    request: HttpRequest, campaign_id: int, choice: AudienceIn
) -> dict[str, object]:
    """Choose the lists and segments of a draft; 409 when it is no draft any more.

    An archived list can stay where it is chosen, but not be chosen anew. No campaign is sent to it.
    With ``If-Match: "<revision>"`` it is refused (409) if somebody chose since that was read.
    """
    workspace = workspace_of(request, Permission.EDIT)
    campaign = find(workspace, campaign_id)
    chosen = choices.chosen(campaign)
    include = choices.lists(workspace, chosen=chosen["include"])
    exclude = choices.lists(workspace, chosen=chosen["exclude"])
    segments = choices.segments(workspace)
    rows: dict[str, list[Any]] = {
        "include": _rows(include, choice.lists, "lists"),
        "exclude": _rows(exclude, choice.exclude_lists, "exclude_lists"),
        "include_segments": _rows(segments, choice.segments, "segments"),
        "exclude_segments": _rows(segments, choice.exclude_segments, "exclude_segments"),
    }
    read = request.headers.get("If-Match", "").strip('" ')
    with transaction.atomic():
        if not revisions.change(campaign, part="audience", based_on=row_number(read)):
            raise HttpError(409, "Somebody else changed the audience since it was read.")
        if not editing.choose_audience(campaign, **rows):
            raise HttpError(409, "Only a draft's audience can be chosen.")
    return _out(campaign, exact=False)


def _rows(rows: QuerySet[Row], ids: list[int], name: str) -> list[Row]:
    found = {row.pk: row for row in rows.filter(pk__in=ids)}
    for pk in ids:
        if pk not in found:
            raise HttpError(422, f"{name}: there is no {pk} in this workspace.")
    return list(found.values())
