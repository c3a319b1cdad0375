"""What this app forgets of an erased person, and of everybody when their workspace says so.

The ledger keeps its rows with a number that leads nowhere, so reports keep their totals.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Min, Q

from accounts.background import set_aside
from accounts.models import Workspace
from delivery.models import (
    BounceException,
    Event,
    HeldBack,
    Message,
    PersonDevice,
    ProviderEvent,
    SandboxMessage,
    SendingAccount,
    SoftBounces,
    TrackingConsent,
    UnsubscribeReason,
)
from subscribers.models import Retention
from subscribers.privacy import retention

EVENTS_A_BATCH = 20_000
# Events are numbered as they come, so that reading on from where the last time ended is enough.
FORGET_ORIGINS = """
WITH looked AS (
    SELECT event.id, event.at, event.campaign_id FROM delivery_event event
    WHERE event.id > %(after)s ORDER BY event.id LIMIT %(limit)s
), late AS (
    SELECT min(id) AS id FROM looked WHERE at >= %(before)s
), due AS (
    SELECT looked.id, looked.campaign_id FROM looked, late
    WHERE late.id IS NULL OR looked.id < late.id
), forgotten AS (
    UPDATE delivery_event event SET ip = NULL, user_agent_id = NULL, country = NULL
    FROM due JOIN campaigns_campaign campaign ON campaign.id = due.campaign_id
        JOIN subscribers_retention rules ON rules.workspace_id = campaign.workspace_id
    WHERE event.id = due.id AND rules.origin_days = %(days)s
        AND (event.ip IS NOT NULL OR event.user_agent_id IS NOT NULL
            OR event.country IS NOT NULL)
    RETURNING event.id
)
SELECT (SELECT max(id) FROM due), (SELECT count(*) FROM due), (SELECT count(*) FROM forgotten)
"""


def forget_person(
    workspace: Workspace, keys: list[int], addresses: tuple[str, ...], **_kwargs: Any
) -> None:
    """Forget an erased person; called by `subscribers.privacy.erasure` inside its transaction."""
    Event.objects.filter(subscriber_id__in=keys).update(ip=None, user_agent=None, country=None)
    PersonDevice.objects.filter(subscriber_id__in=keys).delete()
    TrackingConsent.objects.filter(subscriber_id__in=keys).delete()
    Message.objects.filter(subscriber_id__in=keys).exclude(provider_id=None).update(
        provider_id=None
    )
    # Addresses alone: a domain's exception is about nobody.
    excepted = BounceException.objects.filter(workspace=workspace)
    excepted.filter(value__in=[address.lower() for address in addresses]).delete()
    HeldBack.objects.filter(subscriber_id__in=keys).delete()
    SoftBounces.objects.filter(subscriber_id__in=keys).delete()
    reasons = UnsubscribeReason.objects.filter(message__subscriber_id__in=keys)
    reasons.exclude(words="").update(words="")
    # By account, since addresses are indexed so. What names them elsewhere in what providers
    # reported, `scrubbing` finds.
    accounts = list(SendingAccount.objects.filter(workspace=workspace).values_list("pk", flat=True))
    reported = ProviderEvent.objects.filter(account__in=accounts)
    reported.filter(recipient__in=[address.lower() for address in addresses]).delete()
    for address in addresses:
        kept = SandboxMessage.objects.filter(envelope_to__iexact=address)
        kept.filter(workspace=workspace).delete()
        kept.filter(workspace=None).delete()
        # Mails to others that speak of them: a notice to the team, a test that was made for them.
        SandboxMessage.objects.filter(Q(workspace=workspace) | Q(workspace=None)).extra(
            where=["subject ILIKE %s OR words ILIKE %s OR encode(raw, 'escape') ILIKE %s"],
            params=[f"%{escaped(address)}%"] * 3,
        ).delete()


def escaped(text: str) -> str:
    """Return text as LIKE means it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def forget_origins() -> int:
    """Forget from where opens and clicks came, where a workspace's rules say so; returns how many.

    Workspaces that keep it for as many days share one walk over the events. Each batch is one
    transaction together with how far it came.
    """
    rules = Retention.objects.exclude(origin_days=None)
    walks = rules.values("origin_days").annotate(after=Min("events_through")).order_by()
    whole = 0

    def walk(one: Mapping[str, Any]) -> None:
        nonlocal whole
        whole += _forget_origins(one["origin_days"] or 0, after=one["after"])

    set_aside.each(
        "retention", walks, walk, name=lambda one: f"origins of {one['origin_days']} days"
    )
    return whole


def _forget_origins(days: int, *, after: int) -> int:
    before = retention.cutoff(days)
    whole = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                FORGET_ORIGINS,
                {
                    "after": after,
                    "limit": EVENTS_A_BATCH,
                    "before": before,
                    "days": days,
                },
            )
            through, looked, forgotten = cursor.fetchone()
            if looked:
                after = through
                walked = Retention.objects.filter(origin_days=days, events_through__lt=through)
                walked.update(events_through=through)
        whole += int(forgotten)
        if looked < EVENTS_A_BATCH:
            return whole
