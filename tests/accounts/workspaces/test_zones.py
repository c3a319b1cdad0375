"""Whose clock a page shows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.forms.settings import ProfileForm, WorkspaceForm
from accounts.roles import Role
from accounts.team import api_keys
from accounts.workspaces import zones
from campaigns.forms.schedule import ScheduleForm
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.management import report

NINE_IN_JAKARTA = (timezone.now() + timedelta(days=3)).replace(
    hour=2, minute=0, second=0, microsecond=0
)


@pytest.fixture
def scheduled(workspace):
    return Campaign.objects.create(
        workspace=workspace,
        name="Panen",
        status=CampaignStatus.SCHEDULED,
        send_at=NINE_IN_JAKARTA,
    )


@pytest.mark.parametrize(
    ("of_user", "shown"),
    [("", "09:00 (Asia/Jakarta)"), ("America/New York", "09:00 (Asia/Jakarta)")],
)
def test_who_has_no_zone_reads_the_workspaces_clock(
    scheduled, editor, editor_client, of_user, shown
):
    editor.time_zone = of_user  # an unknown name counts as none
    editor.save(update_fields=["time_zone"])
    assert shown in editor_client.get(reverse("campaign_list")).content.decode()
    assert shown in editor_client.get(reverse("home")).content.decode()


def test_who_chose_a_zone_reads_that_clock(scheduled, editor, editor_client):
    editor.time_zone = "Asia/Tokyo"
    editor.save(update_fields=["time_zone"])
    assert "11:00 (Asia/Tokyo)" in editor_client.get(reverse("campaign_list")).content.decode()


def test_one_readers_clock_does_not_stay_for_the_next(
    scheduled, editor, editor_client, owner_client
):
    editor.time_zone = "Asia/Tokyo"
    editor.save(update_fields=["time_zone"])
    editor_client.get(reverse("campaign_list"))
    assert "09:00 (Asia/Jakarta)" in owner_client.get(reverse("campaign_list")).content.decode()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Asia/Jakarta", "UTC"), "Asia/Jakarta"),
        (("", "Europe/Berlin"), "Europe/Berlin"),
        (("Nowhere/Land", "../etc/passwd", "America", "Europe/Berlin"), "Europe/Berlin"),
        (("", ""), "UTC"),
    ],
)
def test_the_first_zone_that_this_machine_knows_counts(names, expected):
    assert zones.first_known(*names).key == expected
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(zones.first_known(*names))


def test_every_page_and_program_says_one_clock(scheduled, editor_client, cast):
    """The workspace's, where nobody chose another: never the installation's."""
    key = api_keys.create(cast.workspace, name="Toko", role=Role.EDITOR, by=cast.editor)
    said = Client(headers={"authorization": f"Bearer {key}"}).get(
        f"/api/v1/campaigns/{scheduled.pk}"
    )
    assert "09:00 (Asia/Jakarta)" in said.json()["explanation"]
    assert "09:00 (Asia/Jakarta)" in report.status(scheduled)["explanation"]
    for name in ("campaign_review", "campaign_live"):
        page = editor_client.get(reverse(name, args=[scheduled.pk]), follow=True)
        assert "09:00 (Asia/Jakarta)" in page.content.decode(), name


def test_review_and_lists_say_the_clock_that_its_reader_chose(scheduled, editor, editor_client):
    editor.time_zone = "Asia/Tokyo"
    editor.save(update_fields=["time_zone"])
    for path in (reverse("campaign_list"), reverse("campaign_review", args=[scheduled.pk])):
        page = editor_client.get(path).content.decode()
        assert "11:00 (Asia/Tokyo)" in page
        assert "09:00" not in page
    Campaign.objects.filter(pk=scheduled.pk).update(status=CampaignStatus.DRAFT, send_at=None)
    page = editor_client.get(reverse("campaign_review", args=[scheduled.pk])).content.decode()
    assert '<option value="Asia/Tokyo" selected>' in page


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("local", "offsets"),
    [
        ("2031-10-26T02:30", ["UTC+02:00", "UTC+01:00"]),
        ("2031-10-26T02:00", ["UTC+02:00", "UTC+01:00"]),
        ("2031-10-26T03:00", ["UTC+01:00"]),
        ("2031-10-26T01:59", ["UTC+02:00"]),
        ("2031-03-30T02:30", []),
        ("2031-03-30T03:00", ["UTC+02:00"]),
        ("2031-06-01T02:30", ["UTC+02:00"]),
    ],
)
def test_a_clock_shows_a_time_once_twice_or_never(local, offsets):
    asked = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    for fold in (0, 1):
        found = zones.moments(asked.replace(fold=fold))
        assert [zones.offset(at) for at in found] == offsets
        assert all(at.isoformat().startswith(local) for at in found)


def test_the_two_times_of_a_doubled_hour_are_told_apart():
    first = datetime(2031, 10, 26, 0, 30, tzinfo=UTC)
    assert zones.named(first, BERLIN) == "Europe/Berlin, UTC+02:00"
    assert zones.named(first + timedelta(hours=1), BERLIN) == "Europe/Berlin, UTC+01:00"
    assert zones.named(first + timedelta(hours=2), BERLIN) == "Europe/Berlin"
    assert zones.named(first, ZoneInfo("America/New_York")) == "America/New York"


def test_a_stored_zone_that_nobody_is_offered_stays_in_every_form(cast):
    """A select without it would show, and save, the first one."""
    old = "Asia/Calcutta" if "Asia/Calcutta" not in dict(zones.choices()) else "US/Pacific"
    cast.owner.time_zone = cast.workspace.time_zone = old
    for form in (ProfileForm(instance=cast.owner), WorkspaceForm(instance=cast.workspace)):
        assert f'value="{old}" selected' in str(form["time_zone"])
    with timezone.override(old):
        assert f'value="{old}" selected' in str(ScheduleForm()["zone"])
    for bad in ("Mars/Base", "../etc/passwd", ""):
        assert zones.choices(bad) == zones.choices()


def test_forms_do_not_read_the_zones_from_disk(cast, monkeypatch):
    zones.choices()

    def read_again():
        pytest.fail("the time zones are read again")

    monkeypatch.setattr(zones, "available_timezones", read_again)
    for form in (ProfileForm(instance=cast.owner), WorkspaceForm(instance=cast.workspace)):
        assert "Asia/Jakarta" in str(form["time_zone"])
    assert "Asia/Jakarta" in str(ScheduleForm()["zone"])
