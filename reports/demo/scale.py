"""A large synthetic workspace, to measure pages, segments and the engine on.

People go in by COPY; subscriptions, consent and the ledger by set-based statements inside the
database. Nothing in it claims to be a real send: the figures are shaped, not measured.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.workspaces import workspaces
from campaigns.models import Campaign, Content, Link
from campaigns.states import CampaignStatus, ContentKind
from delivery.models import Dispatch
from delivery.pipeline import minutes, tallies
from delivery.states import AgentClass, EventKind, MessageState
from delivery.tracking import counting, engagement, first_events
from reports import rollups
from reports.demo.people import CITIES, INDONESIAN_FIRST, INDONESIAN_LAST, ROASTS
from subscribers.addresses import addresses
from subscribers.consent import ledger
from subscribers.models import CustomField, MailingList, Tag
from subscribers.people import search
from subscribers.states import DomainGroup, FieldType

SLUG = "synthetic"
DOMAINS = (
    ("gmail.example", DomainGroup.GMAIL),
    ("outlook.example", DomainGroup.OUTLOOK),
    ("yahoo.example", DomainGroup.YAHOO),
    ("kantor.example", DomainGroup.OTHER),
)

COPY_PEOPLE = """
COPY subscribers_subscriber (workspace_id, email, email_key, address_hash, domain_group, first_name,
    last_name, language, time_zone, fields, created_at, updated_at) FROM STDIN
"""
SUBSCRIBE = """
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT s.workspace_id, %(list)s, s.id,
    CASE WHEN s.id %% 50 = 0 THEN 'unsubscribed' WHEN s.id %% 71 = 0 THEN 'unconfirmed'
         ELSE 'subscribed' END, s.created_at, s.created_at
FROM subscribers_subscriber s
WHERE s.workspace_id = %(workspace)s AND s.id %% %(every)s = 0
ORDER BY s.id
"""
TAG = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id)
SELECT %(tag)s, id FROM subscribers_subscriber
WHERE workspace_id = %(workspace)s AND id %% %(every)s = 0 ORDER BY id
"""
CONSENT = ledger.inserting(
    "subscribers_subscription WHERE workspace_id = %(workspace)s ORDER BY id",
    kind="'subscribed'",
    source="'demo'",
    at="created_at",
    actor="NULL::bigint",
    detail="''",
)
MESSAGES = """
INSERT INTO delivery_message
    (campaign_id, subscriber_id, state, reason, domain_group, attempts, content_version,
     created_at, attempted_at, opened_at, clicked_at)
SELECT %(campaign)s, id, CASE WHEN p < 4 THEN %(failed)s ELSE %(sent)s END,
    CASE WHEN p < 4 THEN 41 ELSE 0 END, domain_group, 1, 1, %(at)s, %(at)s,
    CASE WHEN p >= 650 THEN %(at)s + p * interval '90 seconds' END,
    CASE WHEN p >= 940 THEN %(at)s + p * interval '95 seconds' END
FROM (
    SELECT id, domain_group, abs(hashint8extended(id, %(campaign)s) %% 1000) AS p
    FROM subscribers_subscriber WHERE workspace_id = %(workspace)s
    ORDER BY id LIMIT %(limit)s
) people
"""
EVENTS = """
INSERT INTO delivery_event
    (campaign_id, message_id, subscriber_id, kind, agent, at, link_ordinal, reason)
SELECT campaign_id, id, subscriber_id, k.kind, %(human)s,
    CASE k.kind WHEN %(opened)s THEN opened_at ELSE clicked_at END,
    CASE k.kind WHEN %(opened)s THEN 0 ELSE 1 END, 0
FROM delivery_message, (VALUES (%(opened)s), (%(clicked)s)) AS k(kind)
WHERE campaign_id = %(campaign)s AND id > %(before)s
  AND CASE k.kind WHEN %(opened)s THEN opened_at ELSE clicked_at END IS NOT NULL
"""
TALLIES = (
    tallies.adding(
        "(SELECT domain_group, state, reason, 1 AS n FROM delivery_message"
        " WHERE campaign_id = %(campaign)s AND id > %(before)s) AS moves",
        shard="0",
    ),
    counting.adding("""
    SELECT campaign_id, kind, agent, link_ordinal, count(*), count(*)
    FROM delivery_event WHERE campaign_id = %(campaign)s GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT campaign_id, kind, agent, 0, count(*), count(*)
    FROM delivery_event
    WHERE campaign_id = %(campaign)s AND kind = %(clicked)s GROUP BY 1, 2, 3
    """),
    minutes.adding(
        {
            "sent": "coalesce(sum(count) FILTER (WHERE state = %(sent)s), 0)",
            "failed": "coalesce(sum(count) FILTER (WHERE state = %(failed)s), 0)",
        },
        minute="%(at)s::timestamptz",
        shard="0",
        source="delivery_messagetally WHERE campaign_id = %(campaign)s GROUP BY 2, 4",
        replaces=True,
    ),
)


def _people(count: int, workspace: Workspace) -> Iterator[tuple[object, ...]]:
    key, now = bytes(workspace.address_key), timezone.now()
    fields = [
        json.dumps({"city": city, "favourite_roast": roast, "orders": orders})[:-1]
        for city in CITIES
        for roast in ROASTS
        for orders in range(9)
    ]
    days = [f', "last_order": "{now.date() - timedelta(days=ago)}"}}' for ago in range(730)]
    for number in range(count):
        first = INDONESIAN_FIRST[number * 7 % len(INDONESIAN_FIRST)]
        last = INDONESIAN_LAST[number * 11 % len(INDONESIAN_LAST)]
        domain, group = DOMAINS[number % len(DOMAINS)]
        email = f"{first.lower()}.{last.lower()}{number}@{domain}"
        joined = now - timedelta(seconds=(count - number) * 31_536_000 / count)
        yield (
            workspace.pk,
            email,
            email,
            addresses.address_hash(email, secret=key),
            int(group),
            first,
            last,
            "id" if number % 5 else "en",
            "",
            fields[number % len(fields)] + days[number * 31 % len(days)],
            joined,
            joined,
        )


@transaction.atomic
def load(*, owner: User, subscribers: int, messages: int) -> Workspace:
    """Make a workspace of this size; each campaign has at most one message per person."""
    workspace = workspaces.create("Synthetic", owner=owner, slug=SLUG, is_demo=True)
    CustomField.objects.bulk_create(
        CustomField(workspace=workspace, key=key, label=label, type=type_)
        for key, label, type_ in (
            ("city", "City", FieldType.TEXT),
            ("favourite_roast", "Favourite roast", FieldType.TEXT),
            ("orders", "Orders", FieldType.NUMBER),
            ("last_order", "Last order", FieldType.DATE),
        )
    )
    lists = [
        (MailingList.objects.create(workspace=workspace, name=name), every)
        for name, every in (("Everybody", 1), ("Every second", 2), ("Every tenth", 10))
    ]
    tags = [
        (Tag.objects.create(workspace=workspace, name=name), every)
        for name, every in (("Regular", 4), ("Wholesale", 5_000))
    ]
    with connection.cursor() as cursor:
        with cursor.copy(COPY_PEOPLE) as copy:
            for row in _people(subscribers, workspace):
                copy.write_row(row)
        for mailing_list, every in lists:
            values = {"workspace": workspace.pk, "list": mailing_list.pk, "every": every}
            cursor.execute(SUBSCRIBE, values)
        cursor.execute(CONSENT, {"workspace": workspace.pk})
        for tag, every in tags:
            cursor.execute(TAG, {"workspace": workspace.pk, "tag": tag.pk, "every": every})
    _send_campaigns(workspace, lists[0][0], subscribers=subscribers, messages=messages)
    rollups.rebuild(workspace, days=366)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    engagement.rebuild()
    while search.rebuild():
        pass
    return workspace


def _send_campaigns(
    workspace: Workspace, mailing_list: MailingList, *, subscribers: int, messages: int
) -> None:
    now = timezone.now()
    # The oldest first, as dispatches are numbered in the order in which they went out.
    for number in range(ceil(messages / subscribers) if subscribers else 0, 0, -1):
        size = min(messages - (number - 1) * subscribers, subscribers)
        at = now - timedelta(days=3 * number)
        campaign = Campaign.objects.create(
            workspace=workspace,
            name=f"Synthetic letter {number}",
            status=CampaignStatus.SENT,
            from_name="Synthetic",
            from_email="news@synthetic.example",
            send_at=at,
            started_at=at,
            finished_at=at + timedelta(minutes=2),
        )
        campaign.include_lists.set([mailing_list])
        content = Content.objects.create(
            campaign=campaign,
            kind=ContentKind.MARKDOWN,
            subject=f"Synthetic letter {number}",
            source="Hello {{ first_name }}, [read on](https://synthetic.example/read).",
            frozen_at=at,
        )
        Campaign.objects.filter(pk=campaign.pk).update(content=content)
        Link.objects.create(campaign=campaign, ordinal=1, url="https://synthetic.example/read")
        Dispatch.objects.create(
            campaign=campaign, workspace=workspace, planning_done_at=at, created_at=at
        )
        _fill_ledger(campaign, at=at, limit=size)


def _fill_ledger(campaign: Campaign, *, at: object, limit: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM delivery_message")
        values = {
            "workspace": campaign.workspace_id,
            "campaign": campaign.pk,
            "limit": limit,
            "at": at,
            "before": cursor.fetchone()[0],
            "sent": MessageState.SENT.value,
            "failed": MessageState.FAILED.value,
            "opened": EventKind.OPENED.value,
            "clicked": EventKind.CLICKED.value,
            "human": AgentClass.HUMAN.value,
        }
        for statement in (MESSAGES, EVENTS, *TALLIES):
            cursor.execute(statement, values)
        first_events.recount(campaign.pk)
