"""Plan: from an audience to one row per person, in chunks, while sending already goes on.

The chunk's rows, their claims and their tallies are one statement, and `Dispatch.planned_through`
moves in the same transaction: a planner that dies has either done a chunk or not, and two planners
take turns on the dispatch's row lock. ``last_subscriber`` fences the audience at the start.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.background import set_aside
from accounts.installation import watch
from campaigns import lifecycle
from campaigns.audience.chosen import Audience
from campaigns.audience.verdicts import BrokenSegmentError, verdicts
from campaigns.models import Campaign
from campaigns.states import Asks, CampaignStatus
from delivery.accounts import routing
from delivery.models import Dispatch, SendingAccount
from delivery.pipeline import claim, tallies
from delivery.states import REASON_OF, MessageState

log = logging.getLogger(__name__)

OVERDUE: Final = timedelta(hours=1)
FIRST_CHUNK = 500  # small, so that the first mail leaves at once
CHUNK = 10_000
CLAIM_SIZE = 1_000
PLANNER_SHARD = 0  # of the tallies; sending processes use the others

# The smallest people of several lists, found by walking each list's index only so far.
_BOUND: Final = """
SELECT max(subscriber_id) FROM (
    SELECT DISTINCT subscriber_id
    FROM unnest(%(include)s::bigint[]) AS list (id)
    CROSS JOIN LATERAL (
        SELECT subscriber_id FROM subscribers_subscription
        WHERE list_id = list.id AND subscriber_id > %(after)s AND subscriber_id <= %(last)s
        ORDER BY subscriber_id LIMIT %(count)s
    ) AS people
    ORDER BY subscriber_id LIMIT %(count)s
) AS chunk
"""
_LAST: Final = """
SELECT max(last) FROM unnest(%(include)s::bigint[]) AS list (id)
CROSS JOIN LATERAL (
    SELECT subscriber_id AS last FROM subscribers_subscription
    WHERE list_id = list.id ORDER BY subscriber_id DESC LIMIT 1
) AS newest
"""
_INSERT: Final = """
WITH planned AS (
    INSERT INTO delivery_message
        (campaign_id, subscriber_id, state, reason, domain_group, attempts, created_at)
    SELECT %(campaign)s, verdict.subscriber_id,
        CASE verdict.left_out WHEN '' THEN {planned} ELSE {skipped} END,
        CASE verdict.left_out {reasons} ELSE 0 END,
        person.domain_group, 0, %(now)s
    FROM ({verdicts}) AS verdict
    JOIN subscribers_subscriber AS person ON person.id = verdict.subscriber_id
    ORDER BY verdict.subscriber_id
    -- Somebody who was planned before became part of this person meanwhile: their letter is here.
    ON CONFLICT (campaign_id, subscriber_id) DO NOTHING
    RETURNING id, domain_group, state, reason
), claims AS ({claims}), tallies AS ({tallies})
SELECT count(*) FROM planned
"""
_TO_SEND: Final = f"""
    SELECT id, %(campaign)s::bigint AS campaign_id, %(priority)s::smallint AS priority,
        0 AS attempts
    FROM planned WHERE state = {MessageState.PLANNED.value}"""  # noqa: S608 - the number is ours
_TALLIES: Final = tallies.adding(
    "(SELECT domain_group, state, reason, 1 AS n FROM planned) AS moves", shard=str(PLANNER_SHARD)
)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What one step of planning did."""

    rows: int = 0
    is_done: bool = False


def due() -> list[Campaign]:
    """Return the campaigns whose time to be sent has come."""
    return list(
        Campaign.objects.filter(
            status=CampaignStatus.SCHEDULED, send_at__lte=timezone.now(), asks_since=None
        ).order_by("send_at")[:100]
    )


@transaction.atomic
def begin(campaign: Campaign) -> bool:
    """Start a campaign's send: from now on it has a dispatch and a fenced audience."""
    if not lifecycle.start(campaign):
        return False
    accounts = SendingAccount.objects.filter(workspace_id=campaign.workspace_id)
    routes = routing.candidates(
        accounts, from_email=campaign.from_email, chosen=campaign.sending_account_id
    )
    audience = Audience.of(campaign)
    Dispatch.objects.get_or_create(
        campaign=campaign,
        defaults={
            "workspace_id": campaign.workspace_id,
            "account": routes[0] if routes else None,
            "lists": list(audience.include),
            "last_subscriber": _last_subscriber(audience),
        },
    )
    return True


def unfinished() -> list[int]:
    """Return the campaigns whose planning has to go on, also while they are paused."""
    if not watch.may_send():
        return []
    return list(
        Dispatch.objects.filter(
            Q(campaign__status=CampaignStatus.SENDING) | Q(campaign__status=CampaignStatus.PAUSED),
            planning_done_at=None,
        )
        .order_by("priority", "campaign_id")
        .values_list("campaign_id", flat=True)
    )


def begin_due() -> None:
    """Begin the campaigns whose time has come; one that can't begin keeps no other from it.

    Nobody knows whether it is still wanted when its time was over for an hour: it asks.
    """
    if not watch.may_send():
        return
    late = Q(status=CampaignStatus.SCHEDULED, send_at__lt=timezone.now() - OVERDUE)
    lifecycle.ask(Asks.OVERDUE, only=late)
    set_aside.each("campaign", due(), begin, name=lambda campaign: f"campaign {campaign.pk}")


def step(campaign_id: int) -> Progress:
    """Plan the next chunk. Harmless when planning is done, or another planner is at work.

    A campaign that can't be planned is paused, and the page says so.
    """
    try:
        return _step(campaign_id)
    except set_aside.AWAY:
        raise
    except Exception as error:
        log.exception("plan.failed", extra={"campaign_id": campaign_id})
        set_aside.put("planning", subject=f"campaign {campaign_id}", error=error)
        reason = _("Preparing failed on our side; the log says what. You can resume it.")
        lifecycle.pause(Campaign.objects.get(pk=campaign_id), reason=reason)
        return Progress(is_done=True)


@transaction.atomic
def _step(campaign_id: int) -> Progress:
    dispatch = (
        Dispatch.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("campaign")
        .filter(campaign_id=campaign_id, planning_done_at=None)
        .first()
    )
    if dispatch is None:
        return Progress(is_done=True)
    if dispatch.campaign.status not in {CampaignStatus.SENDING, CampaignStatus.PAUSED}:
        return Progress(is_done=True)
    audience = Audience.of(dispatch.campaign, lists=dispatch.lists)
    size = CHUNK if dispatch.planned_through else FIRST_CHUNK
    through = _end_of_chunk(audience, dispatch, size=size)
    try:
        rows = _insert(dispatch, audience, through=through) if through is not None else 0
    except BrokenSegmentError as broken:
        lifecycle.pause(dispatch.campaign, reason=broken.sentence)
        return Progress(is_done=True)  # for now: it goes on when the rules are mended
    dispatch.planned_through = through or dispatch.last_subscriber
    is_done = dispatch.planned_through >= dispatch.last_subscriber
    if is_done:
        dispatch.planning_done_at = timezone.now()
    dispatch.save(update_fields=["planned_through", "planning_done_at"])
    return Progress(rows=rows, is_done=is_done)


def _last_subscriber(audience: Audience) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"include": list(audience.include)})
        row = cursor.fetchone()
    return (row and row[0]) or 0


def _end_of_chunk(audience: Audience, dispatch: Dispatch, *, size: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            _BOUND,
            {
                "include": list(audience.include),
                "after": dispatch.planned_through,
                "last": dispatch.last_subscriber,
                "count": size,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _insert(dispatch: Dispatch, audience: Audience, *, through: int) -> int:
    inner, params = verdicts(audience, after=dispatch.planned_through, through=through)
    reasons = " ".join(f"WHEN '{out.value}' THEN {why.value}" for out, why in REASON_OF.items())
    sql = _INSERT.format(
        verdicts=inner,
        reasons=reasons,
        planned=MessageState.PLANNED.value,
        skipped=MessageState.SKIPPED.value,
        claims=claim.inserting(_TO_SEND, size=CLAIM_SIZE, named=False),
        tallies=_TALLIES,
    )
    params["priority"] = dispatch.priority
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
