"""Firsts are counted once a statement: the work grows with its rows, not with their square."""

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from campaigns.models import Campaign
from delivery.models import ChangedDay, Message, SendMinute
from delivery.states import MessageState
from subscribers.states import DomainGroup
from tests.people import Cast

pytestmark = pytest.mark.django_db

MANY = 20_000
GROUPS = 3  # of mailbox providers that the mails went to


def sent(workspace: Workspace, number: int) -> int:
    """Have mails sent in one minute; returns the campaign's key."""
    campaign = Campaign.objects.create(workspace=workspace, name="Letter")
    groups = list(DomainGroup)[:GROUPS]
    at = timezone.now().replace(second=1)
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            subscriber_id=place + 1,
            state=MessageState.SENT,
            attempted_at=at,
            domain_group=groups[place % GROUPS],
        )
        for place in range(number)
    )
    return int(campaign.pk)


def visits() -> int:
    """Return how many rows of minutes and of marks this transaction has written or looked up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del + seq_tup_read + idx_tup_fetch) "
            "FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)",
            [["delivery_sendminute", "delivery_changedday"]],
        )
        return int(cursor.fetchone()[0])


def open_all(campaign: int) -> int:
    """Open every mail in one statement; returns how many rows of figures that touched."""
    before = visits()
    Message.objects.filter(campaign=campaign).update(opened_at=timezone.now())
    return visits() - before


def test_thousands_of_mails_of_one_minute_touch_as_many_figures_as_a_few(cast: Cast) -> None:
    few, many = sent(cast.workspace, 30), sent(cast.workspace, MANY)
    touched = open_all(few)
    assert touched >= GROUPS
    assert open_all(many) == touched
    figures = SendMinute.objects.filter(campaign_id=many)
    assert figures.count() == GROUPS
    assert sum(figures.values_list("opened", flat=True)) == MANY
    assert ChangedDay.objects.filter(campaign_id=many).count() == 1


def test_the_plan_is_linear_also_where_the_first_statement_changed_one_mail(cast: Cast) -> None:
    """A session keeps the plan of its first statement: it is made here while nothing is changed."""
    campaign = sent(cast.workspace, MANY)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'delivery_count_firsts_together'"
        )
        source, settings = cursor.fetchone()
        for setting in settings:
            name, _equals, value = setting.partition("=")
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        counting = source.partition("MATERIALIZED (")[2].partition("), counted")[0]
        cursor.execute("CREATE TEMP TABLE old_rows (LIKE delivery_message) ON COMMIT DROP")
        cursor.execute("CREATE TEMP TABLE new_rows (LIKE delivery_message) ON COMMIT DROP")
        cursor.execute(f"PREPARE counting AS {counting}")
        cursor.execute("EXECUTE counting")
        cursor.execute(
            "INSERT INTO old_rows SELECT * FROM delivery_message WHERE campaign_id = %s", [campaign]
        )
        cursor.execute("INSERT INTO new_rows SELECT * FROM old_rows")
        cursor.execute("UPDATE new_rows SET clicked_at = now()")
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE counting")
        found = cursor.fetchone()[0]
        cursor.execute("DEALLOCATE counting")
    (explained,) = json.loads(found) if isinstance(found, str) else found
    assert explained["Plan"]["Actual Rows"] == GROUPS
    seen = seen_by(explained["Plan"])
    assert 2 * MANY <= seen <= 8 * MANY


def seen_by(node: dict[str, Any]) -> int:
    """Return how many rows a plan's nodes have handed on or thrown away."""
    rows = node["Actual Rows"] + sum(
        node.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Join Filter")
    )
    return int(rows * node["Actual Loops"]) + sum(map(seen_by, node.get("Plans", ())))
