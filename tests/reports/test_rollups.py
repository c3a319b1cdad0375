"""A workspace's days: counted once, in its own zone, shares of 1 at most, equal to a recount."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import SetAside, Workspace
from accounts.workspaces import zones
from delivery.models import ChangedDay, Dispatch, Message, SendMinute
from delivery.pipeline import record, settle
from delivery.states import EventKind, MessageState
from delivery.tracking import first_events, hits, ingest, review
from delivery.transports.protocol import Verdict
from reports import rollups
from reports.models import WorkspaceDay
from reports.tasks import rebuild_recent_days
from reports.workspace import home
from tests.delivery import sending
from tests.people import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
MPP = "Mozilla/5.0"
COUNTED = ("opened", "proxied", "clicked", "unsubscribed", "complained", "bounced")


def by_minute(campaign: int) -> dict[datetime, dict[str, int]]:
    """Return what is kept, by minute of sending; minutes without anything left out."""
    found: dict[datetime, dict[str, int]] = {}
    for row in SendMinute.objects.filter(campaign=campaign):
        figures = found.setdefault(row.minute, dict.fromkeys(("sent", *COUNTED), 0))
        for name in figures:
            figures[name] += getattr(row, name)
    return {minute: figures for minute, figures in found.items() if any(figures.values())}


def recounted(campaign: int) -> dict[datetime, dict[str, int]]:
    """Count the same from the ledger."""
    found: dict[datetime, dict[str, int]] = {}
    for message in Message.objects.filter(campaign=campaign, state=MessageState.SENT):
        assert message.attempted_at is not None
        minute = message.attempted_at.replace(second=0, microsecond=0)
        figures = found.setdefault(minute, dict.fromkeys(("sent", *COUNTED), 0))
        figures["sent"] += 1
        figures["opened"] += message.opened_at is not None
        figures["proxied"] += message.proxied_at is not None and message.opened_at is None
        for name in ("clicked", "unsubscribed", "complained", "bounced"):
            figures[name] += getattr(message, f"{name}_at") is not None
    return found


def hit(message: int, kind: EventKind, agent: str = FIREFOX, *, seconds: float = 60) -> None:
    hits.push(
        hits.Hit(
            message_id=message,
            kind=kind,
            at=timezone.now() + timedelta(seconds=seconds),
            user_agent=agent,
            ip="203.0.113.7",
        )
    )
    while ingest.next_batch():
        pass


def send(campaign: Any, messages: list[int], verdict: Verdict, *, attempt: int = 0) -> None:
    writer = sending.writer(campaign, attempt=attempt)
    record.outcomes(writer, [sending.outcome(pk, verdict, 250) for pk in messages])


ACTS = ("sent", "unknown", "open", "proxy", "click", "leave", "return", "complain", "bounce")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ACTS)), max_size=25))
def test_whatever_happens_in_whatever_order_it_equals_a_recount(
    cast: Cast, acts: list[tuple[int, str]]
) -> None:
    workspace = Workspace.objects.create(name="X", slug=f"x{Workspace.objects.count()}")
    campaign = sending.planned(workspace, 4)
    ids = sending.messages(campaign)
    now = timezone.now()
    columns = {
        "leave": {"unsubscribed_at": now},
        "return": {"unsubscribed_at": None},
        "complain": {"complained_at": now},
        "bounce": {"bounced_at": now},
    }
    for index, act in acts:
        message = ids[index]
        if act in columns:
            Message.objects.filter(pk=message).update(**columns[act])
        elif act == "sent":
            send(campaign, [message], Verdict.SENT)
        elif act == "unknown":
            send(campaign, [message], Verdict.UNKNOWN)
        else:
            kind = EventKind.CLICKED if act == "click" else EventKind.OPENED
            hit(message, kind, MPP if act == "proxy" else FIREFOX)
    kept, counted = by_minute(campaign.pk), recounted(campaign.pk)
    assert {m: f for m, f in kept.items() if f["sent"]} == counted
    assert all(f["sent"] for f in kept.values())
    assert all(0 <= f[name] <= f["sent"] for f in kept.values() for name in COUNTED)
    first_events.recount(campaign.pk)
    assert by_minute(campaign.pk) == kept


def test_who_opened_before_the_answer_was_recorded_counts(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    human, proxy, nobody = sending.messages(campaign)
    hit(human, EventKind.OPENED)
    hit(proxy, EventKind.OPENED, MPP)
    send(campaign, [human, proxy, nobody], Verdict.SENT)
    (figures,) = by_minute(campaign.pk).values()
    assert (figures["sent"], figures["opened"], figures["proxied"]) == (3, 1, 1)


def test_an_event_that_proves_a_doubtful_mail_counts_on_the_day_it_was_sent(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    send(campaign, [message], Verdict.UNKNOWN)
    sent_at = timezone.now() - timedelta(days=3)
    Message.objects.filter(pk=message).update(attempted_at=sent_at)
    hit(message, EventKind.OPENED)
    ((minute, figures),) = by_minute(campaign.pk).items()
    assert minute == sent_at.replace(second=0, microsecond=0)
    assert (figures["sent"], figures["opened"]) == (1, 1)


def sent_campaign(workspace: Workspace, *times: datetime) -> Any:
    """Make a campaign of which one mail was sent at each of these times."""
    campaign = sending.planned(workspace, len(times))
    ids = sending.messages(campaign)
    send(campaign, ids, Verdict.SENT)
    SendMinute.objects.filter(campaign=campaign).delete()
    for message, sent_at in zip(ids, times, strict=True):
        Message.objects.filter(pk=message).update(attempted_at=sent_at)
        row, _made = SendMinute.objects.get_or_create(
            campaign=campaign,
            minute=sent_at.replace(second=0, microsecond=0),
            shard=1,
            domain_group=Message.objects.get(pk=message).domain_group,
        )
        SendMinute.objects.filter(pk=row.pk).update(sent=F("sent") + 1)
    return campaign


def days(workspace: Workspace) -> dict[date, tuple[int, int]]:
    rows = WorkspaceDay.objects.filter(workspace=workspace, sent__gt=0)
    return {row.day: (row.sent, row.opened) for row in rows}


def test_days_are_those_of_the_workspace(cast: Cast) -> None:
    cast.workspace.time_zone = "Asia/Jakarta"
    cast.workspace.save()
    # 20:30 UTC is half past three in Jakarta, on the next day.
    sent_campaign(cast.workspace, *[datetime(2026, 11, 20, 20, 30, tzinfo=UTC)] * 2)
    now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    Workspace.objects.update(created_at=datetime(2026, 11, 1, tzinfo=UTC))
    cast.workspace.refresh_from_db()
    rollups.follow(cast.workspace, now=now)
    assert days(cast.workspace) == {date(2026, 11, 21): (2, 0)}
    cast.workspace.time_zone = "America/New_York"
    cast.workspace.save()
    rollups.follow(cast.workspace, now=now)
    assert days(cast.workspace) == {date(2026, 11, 20): (2, 0)}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"])
def test_every_mail_counts_on_one_day_also_when_clocks_change(cast: Cast, zone: str) -> None:
    cast.workspace.time_zone = zone
    cast.workspace.save()
    Workspace.objects.update(created_at=datetime(2026, 10, 20, tzinfo=UTC))
    cast.workspace.refresh_from_db()
    first = datetime(2026, 10, 24, tzinfo=UTC)
    sent_campaign(cast.workspace, *[first + timedelta(hours=hour) for hour in range(0, 72, 9)])
    rollups.follow(cast.workspace, now=datetime(2026, 10, 30, tzinfo=UTC))
    assert sum(sent for sent, _opened in days(cast.workspace).values()) == 8


def test_days_that_were_missed_are_rebuilt(cast: Cast) -> None:
    Workspace.objects.update(created_at=datetime(2026, 11, 1, tzinfo=UTC))
    cast.workspace.refresh_from_db()
    rollups.follow(cast.workspace, now=datetime(2026, 11, 10, 12, tzinfo=UTC))
    evening, later = (datetime(2026, 11, day, 14, tzinfo=UTC) for day in (10, 12))
    sent_campaign(cast.workspace, evening, later, later)
    # Nothing ran for a week.
    rollups.follow(cast.workspace, now=datetime(2026, 11, 18, 9, tzinfo=UTC))
    assert days(cast.workspace) == {date(2026, 11, 10): (1, 0), date(2026, 11, 12): (2, 0)}
    assert WorkspaceDay.objects.filter(workspace=cast.workspace).count() == 18


def test_an_open_counts_on_the_day_its_mail_was_sent_however_late(cast: Cast) -> None:
    Workspace.objects.update(created_at=timezone.now() - timedelta(days=30))
    cast.workspace.refresh_from_db()
    sent_at = timezone.now() - timedelta(days=9)
    campaign = sent_campaign(cast.workspace, *[sent_at] * 4)
    day = sent_at.astimezone(zones.of_workspace(cast.workspace)).date()
    rebuild_recent_days()
    assert days(cast.workspace) == {day: (4, 0)}
    for message in sending.messages(campaign)[:3]:
        hit(message, EventKind.OPENED)
        hit(message, EventKind.OPENED)  # again, on another day: counted once
    assert ChangedDay.objects.count() == 1
    rebuild_recent_days()
    assert days(cast.workspace) == {day: (4, 3)}
    assert not ChangedDay.objects.exists()
    now, _before = home.periods(cast.workspace)
    assert now.rate("opened") == 0.75


def test_a_campaign_of_an_earlier_release_is_counted_once(cast: Cast) -> None:
    campaign = sent_campaign(cast.workspace, *[timezone.now()] * 2)
    (message, _other) = sending.messages(campaign)
    hit(message, EventKind.OPENED)
    SendMinute.objects.update(opened=0)
    ChangedDay.objects.all().delete()
    Dispatch.objects.update(has_figures=False)
    rebuild_recent_days()
    assert sum(row["opened"] for row in by_minute(campaign.pk).values()) == 1
    assert Dispatch.objects.get().has_figures


def test_a_poisoned_workspace_stops_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    follow = rollups.follow

    def poisoned(workspace: Workspace, **kwargs: Any) -> None:
        if workspace == cast.workspace:
            raise ValueError("poisoned")
        follow(workspace, **kwargs)

    monkeypatch.setattr(rollups, "follow", poisoned)
    rebuild_recent_days()
    assert WorkspaceDay.objects.filter(workspace=cast.other_workspace).exists()
    assert SetAside.objects.get().subject == f"workspace {cast.workspace.pk}"


def test_no_ledger_is_read(cast: Cast) -> None:
    """Rollups cost as much as minutes of sending, however many people opened."""
    sent_campaign(cast.workspace, *[timezone.now()] * 5)
    rebuild_recent_days()
    with CaptureQueriesContext(connection) as seen:
        rebuild_recent_days()
    asked = " ".join(query["sql"] for query in seen.captured_queries)
    assert "delivery_message" not in asked
    assert "delivery_event" not in asked


def test_a_doubt_settled_by_an_event_needs_no_open(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    send(campaign, [message], Verdict.UNKNOWN)
    assert settle.by_event(message, EventKind.DELIVERED)
    assert by_minute(campaign.pk) == recounted(campaign.pk)
    assert ChangedDay.objects.count() == 1
    assert review.next_batch() == 0
