"""Who gets a campaign, and why the others don't."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import Workspace
from campaigns.audience import rule
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.audience.verdicts import verdicts
from campaigns.states import LeftOut
from subscribers.models import MailingList, Suppression
from subscribers.states import SubscriptionStatus
from tests.campaigns.makers import (
    make_campaign,
    make_list,
    make_reader,
    make_subscriber,
    subscribe,
    suppress,
)

SUBSCRIBED = SubscriptionStatus.SUBSCRIBED
UNSUBSCRIBED = SubscriptionStatus.UNSUBSCRIBED
UNCONFIRMED = SubscriptionStatus.UNCONFIRMED


@pytest.fixture
def lists(workspace: Workspace) -> dict[str, MailingList]:
    return {name: make_list(workspace, name) for name in ("news", "offers", "staff")}


def verdict_of(
    workspace: Workspace,
    lists: dict[str, MailingList],
    standings: dict[str, SubscriptionStatus],
    **options: Any,
) -> str | None:
    """Say what becomes of one person of these standings when news and offers are included."""
    person = make_subscriber(workspace, "dewi@example.org")
    for name, status in standings.items():
        subscribe(person, lists[name], status=status)
    if options.get("suppressed"):
        suppress(person)
    chosen = Audience.choosing(
        [lists["news"], lists["offers"]], [lists["staff"]], workspace=workspace.pk
    )
    sql, params = verdicts(chosen)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    assert len(rows) <= 1
    return rows[0][1] if rows else None


@pytest.mark.parametrize(
    ("standings", "suppressed", "left_out"),
    [
        ({"news": SUBSCRIBED}, False, ""),
        ({"news": UNSUBSCRIBED}, False, "unsubscribed"),
        ({"news": UNCONFIRMED}, False, "unconfirmed"),
        ({"news": SUBSCRIBED, "offers": SUBSCRIBED}, False, ""),
        ({"news": UNSUBSCRIBED, "offers": SUBSCRIBED}, False, ""),
        ({"news": UNCONFIRMED, "offers": SUBSCRIBED}, False, ""),
        ({"news": UNCONFIRMED, "offers": UNSUBSCRIBED}, False, "unsubscribed"),
        ({"news": SUBSCRIBED}, True, "suppressed"),
        ({"news": UNSUBSCRIBED}, True, "suppressed"),
        ({"news": SUBSCRIBED, "staff": SUBSCRIBED}, False, "excluded"),
        ({"news": SUBSCRIBED, "staff": UNSUBSCRIBED}, False, "excluded"),
        ({"news": UNCONFIRMED, "staff": SUBSCRIBED}, True, "excluded"),
        ({"staff": SUBSCRIBED}, False, None),
        ({}, True, None),
    ],
)
def test_one_person_has_one_verdict(
    workspace: Workspace,
    lists: dict[str, MailingList],
    standings: dict[str, SubscriptionStatus],
    suppressed: bool,  # noqa: FBT001 - a table's column
    left_out: str | None,
) -> None:
    assert verdict_of(workspace, lists, standings, suppressed=suppressed) == left_out


def test_the_breakdown_adds_up(workspace: Workspace, lists: dict[str, MailingList]) -> None:
    for number in range(5):
        make_reader(workspace, lists["news"], f"reader{number}@example.org")
    both = make_subscriber(workspace, "both@example.org")
    subscribe(both, lists["news"], lists["offers"])
    suppress(make_reader(workspace, lists["news"], "complained@example.org"))
    for number in range(2):
        gone = make_subscriber(workspace, f"gone{number}@example.org")
        subscribe(gone, lists["offers"], status=UNSUBSCRIBED)
    waiting = make_subscriber(workspace, "waiting@example.org")
    subscribe(waiting, lists["news"], status=UNCONFIRMED)
    barista = make_reader(workspace, lists["news"], "barista@example.org")
    subscribe(barista, lists["staff"])
    campaign = make_campaign(workspace, lists["news"], lists["offers"])
    campaign.exclude_lists.add(lists["staff"])

    found = rule.breakdown(campaign)

    assert found == Breakdown(
        audience=11,
        will_get=6,
        left_out={
            LeftOut.EXCLUDED: 1,
            LeftOut.SUPPRESSED: 1,
            LeftOut.UNSUBSCRIBED: 2,
            LeftOut.UNCONFIRMED: 1,
        },
    )
    assert found.left_out_total == 5


def test_no_list_is_nobody(workspace: Workspace) -> None:
    assert rule.breakdown(make_campaign(workspace)) == Breakdown()
    assert rule.sample(make_campaign(workspace), 5) == []


def test_another_workspaces_suppression_counts_only_there(
    workspace: Workspace, other_workspace: Workspace, lists: dict[str, MailingList]
) -> None:
    reader = make_reader(workspace, lists["news"], "dewi@example.org")
    elsewhere = make_subscriber(other_workspace, "dewi@example.org")
    elsewhere.address_hash = reader.address_hash
    suppress(elsewhere)
    found = rule.breakdown(make_campaign(workspace, lists["news"]))
    assert found == Breakdown(audience=1, will_get=1)


def test_an_erased_persons_address_stays_suppressed(
    workspace: Workspace, lists: dict[str, MailingList]
) -> None:
    reader = make_reader(workspace, lists["news"], "dewi@example.org")
    suppress(reader)
    Suppression.objects.update(email_key="")
    campaign = make_campaign(workspace, lists["news"])
    assert rule.breakdown(campaign) == Breakdown(
        audience=1, will_get=0, left_out={LeftOut.SUPPRESSED: 1}
    )
    assert rule.sample(campaign, 5) == []


def test_ranges_of_ids_partition_the_audience(
    workspace: Workspace, lists: dict[str, MailingList]
) -> None:
    readers = [
        make_reader(workspace, lists["news"], f"reader{number}@example.org") for number in range(6)
    ]
    suppress(readers[1])
    subscribe(readers[4], lists["staff"])
    chosen = Audience.choosing([lists["news"]], [lists["staff"]], workspace=workspace.pk)
    middle, last = readers[2].pk, readers[5].pk
    found = []
    for after, through in ((0, middle), (middle, last)):
        sql, params = verdicts(chosen, after=after, through=through)
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} ORDER BY 1", params)
            found.append(cursor.fetchall())
    assert found == [
        [(readers[0].pk, ""), (readers[1].pk, "suppressed"), (readers[2].pk, "")],
        [(readers[3].pk, ""), (readers[4].pk, "excluded"), (readers[5].pk, "")],
    ]


def test_the_sample_holds_only_people_who_get_it(
    workspace: Workspace, lists: dict[str, MailingList]
) -> None:
    readers = [
        make_reader(workspace, lists["news"], f"reader{number}@example.org") for number in range(4)
    ]
    suppress(readers[0])
    subscribe(readers[1], lists["staff"])
    subscribe(readers[2], lists["offers"])
    gone = make_subscriber(workspace, "gone@example.org")
    subscribe(gone, lists["news"], status=UNSUBSCRIBED)
    campaign = make_campaign(workspace, lists["news"], lists["offers"])
    campaign.exclude_lists.add(lists["staff"])
    assert rule.sample(campaign, 10) == [readers[2], readers[3]]


def test_the_sample_spreads_over_a_large_audience(
    workspace: Workspace, lists: dict[str, MailingList]
) -> None:
    readers = [
        make_reader(workspace, lists["news"], f"reader{number}@example.org") for number in range(60)
    ]
    found = rule.sample(make_campaign(workspace, lists["news"]), 10)
    assert len(found) == 10
    assert found[0] == readers[0]
    assert found[-1].pk >= readers[30].pk
