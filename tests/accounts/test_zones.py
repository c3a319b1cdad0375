"""Whose clock a page shows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import zones
from campaigns.models import Campaign
from campaigns.states import CampaignStatus

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
