"""Whom a campaign names: lists and segments, before anybody asks who of them may be emailed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from accounts.models import Workspace
from campaigns import queries
from campaigns.models import Campaign
from subscribers.models import MailingList, Segment
from subscribers.segments import members


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom a campaign names: ids of lists and segments of one workspace.

    ``include`` holds all lists in use when segments are chosen and no list is. ``campaign`` is 0
    for a choice that belongs to none yet. ``at`` is the moment at which segments are asked (empty:
    now): the campaign's start, so that all chunks of its planning ask the same.
    """

    workspace: int
    include: tuple[int, ...]
    exclude: tuple[int, ...] = ()
    include_segments: tuple[int, ...] = ()
    exclude_segments: tuple[int, ...] = ()
    campaign: int = 0
    at: datetime | None = None

    @cached_property
    def everybody(self) -> int:
        """How many people the workspace has, asked once: whether to count or to estimate."""
        return members.size(Workspace(pk=self.workspace))

    @classmethod
    def of(
        cls,
        campaign: Campaign,
        *,
        lists: Sequence[int] | None = None,
        stored: Mapping[str, Sequence[int]] | None = None,
    ) -> "Audience":
        """Read a campaign's choice (one query, two if it names segments and no list).

        ``lists``: those it went to when it began; lists made since then are none of them.
        ``stored`` spares a query where `queries.chosen` was asked already.
        """
        include, *others = (stored or queries.chosen(campaign)).values()
        return cls._made(
            include if lists is None else lists,
            *others,
            workspace=campaign.workspace_id,
            campaign=campaign.pk,
            at=campaign.started_at,
        )

    @classmethod
    def choosing(
        cls,
        include: Sequence[MailingList],
        exclude: Sequence[MailingList],
        *,
        workspace: int,
        include_segments: Sequence[Segment] = (),
        exclude_segments: Sequence[Segment] = (),
    ) -> "Audience":
        """Describe an audience that is not stored yet."""
        chosen = (include, exclude, include_segments, exclude_segments)
        ids = [sorted(row.pk for row in rows) for rows in chosen]
        return cls._made(*ids, workspace=workspace)

    @classmethod
    def _made(
        cls,
        include: Sequence[int],
        *others: Sequence[int],
        workspace: int,
        campaign: int = 0,
        at: datetime | None = None,
    ) -> "Audience":
        exclude, inside, outside = map(tuple, others)
        if inside and not include:
            include = list(lists_in_use(workspace).values_list("pk", flat=True))
        return cls(
            workspace=workspace,
            include=tuple(include),
            exclude=exclude,
            include_segments=inside,
            exclude_segments=outside,
            campaign=campaign,
            at=at,
        )


def lists_in_use(workspace: int) -> QuerySet[MailingList]:
    """Return the lists that mail may go to when segments are chosen and no list is."""
    return MailingList.objects.filter(workspace_id=workspace, archived_at=None).order_by("pk")
