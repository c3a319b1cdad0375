"""From review to scheduled and back, and everything that can be done on the way."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.workspaces.workspace_urls import in_workspace
from campaigns import lifecycle
from campaigns.audience import rule
from campaigns.checks import confirmation
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from config.pages import display
from tests.browsing import fields_of

JAKARTA = ZoneInfo("Asia/Jakarta")


def post(client: Client, name: str, campaign: Campaign, /, **data: str) -> Any:
    """Press a button of a page that was opened just now."""
    now = Campaign.objects.select_related("content__template").get(pk=campaign.pk)
    division = rule.breakdown(now) if name == "campaign_schedule" else None
    shown = {"confirmed": confirmation.shown(now, division)}
    return client.post(reverse(name, args=[campaign.pk]), {**shown, **data})


def in_three_days(at: str = "08:00") -> dict[str, str]:
    day = (timezone.now().astimezone(JAKARTA) + timedelta(days=3)).date()
    return {"when": "later", "date": day.isoformat(), "time": at, "zone": "Asia/Jakarta"}


def test_the_dialog_says_subject_count_and_moment(editor_client: Client, draft: Campaign) -> None:
    path = reverse("campaign_confirm", args=[draft.pk])
    dialog = editor_client.get(path, in_three_days(), headers={"HX-Request": "true"})
    text = dialog.content.decode()
    assert "Panen raya" in text
    assert "1 person" in text
    assert "at 08:00 (Asia/Jakarta)" in text
    assert "<html" not in text
    page = editor_client.get(path, in_three_days()).content.decode()
    assert "<html" in page
    assert Campaign.objects.get(pk=draft.pk).status == CampaignStatus.DRAFT


def test_scheduling_keeps_the_zone(editor_client: Client, draft: Campaign) -> None:
    answer = post(editor_client, "campaign_schedule", draft, **in_three_days())
    assert answer["Location"] == in_workspace(draft.workspace, "campaign_review", draft.pk)
    draft.refresh_from_db()
    assert draft.status == CampaignStatus.SCHEDULED
    assert draft.send_at is not None
    local = draft.send_at.astimezone(JAKARTA)
    assert (local.hour, local.minute) == (8, 0)
    page = editor_client.get(answer["Location"]).content.decode()
    assert "Back to draft, to edit" in page

    post(editor_client, "campaign_unschedule", draft)
    taken_back = Campaign.objects.get(pk=draft.pk)
    assert taken_back.status == CampaignStatus.DRAFT
    assert taken_back.send_at is None


def test_now_waits_for_the_undo(
    editor_client: Client, draft: Campaign, redis_client: object
) -> None:
    before = timezone.now()
    answer = post(editor_client, "campaign_schedule", draft, when="now")
    assert answer["Location"] == in_workspace(draft.workspace, "campaign_live", draft.pk)
    draft.refresh_from_db()
    assert draft.status == CampaignStatus.SCHEDULED
    assert draft.send_at is not None
    waits = draft.send_at - before
    assert lifecycle.UNDO_WINDOW <= waits < lifecycle.UNDO_WINDOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"when": "later", "date": "2024-01-01", "time": "08:00", "zone": "UTC"}, "already over"),
        ({"when": "later", "date": "", "time": "", "zone": "UTC"}, "Say when"),
        (
            {"when": "later", "date": "2031-03-30", "time": "02:30", "zone": "Europe/Berlin"},
            "jump over this time",
        ),
        (
            {"when": "later", "date": "2031-10-26", "time": "02:30", "zone": "Europe/Berlin"},
            "02:30 after clocks are turned back (UTC+01:00)",
        ),
        (
            {
                "when": "later",
                "date": "2031-03-30",
                "time": "02:30",
                "zone": "Europe/Berlin",
                "occurrence": "second",
            },
            "jump over this time",
        ),
        ({"when": "later", "date": "2031-03-30", "time": "02:30", "zone": "Mars/Base"}, "zone"),
        ({"when": "later", "date": "9999-12-31", "time": "23:30", "zone": "UTC"}, "next years"),
        ({"when": "later", "date": "0001-01-01", "time": "00:00", "zone": "UTC"}, "next years"),
        ({}, ""),
    ],
)
def test_a_moment_that_can_not_be_is_refused(
    editor_client: Client, draft: Campaign, data: dict[str, str], said: str
) -> None:
    answer = post(editor_client, "campaign_schedule", draft, **data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Campaign.objects.get(pk=draft.pk).status == CampaignStatus.DRAFT


TWICE = {"when": "later", "date": "2031-10-26", "time": "02:30", "zone": "Europe/Berlin"}


def test_a_time_that_is_there_twice_is_asked_about(editor_client: Client, draft: Campaign) -> None:
    path = reverse("campaign_confirm", args=[draft.pk])
    dialog = editor_client.get(path, TWICE, headers={"HX-Request": "true"}).content.decode()
    assert "show this time twice on that day" in dialog
    assert "02:30 before clocks are turned back (UTC+02:00)" in dialog
    carried = fields_of(dialog, "form")
    assert carried == {name: [value] for name, value in TWICE.items()}
    pressed = carried | {"occurrence": "second"}
    page = editor_client.get(path, TWICE).content.decode()
    assert 'name="occurrence" value="second"' in page, "without a script, too"

    asked = editor_client.get(path, pressed, headers={"HX-Request": "true"}).content.decode()
    assert "at 02:30 (Europe/Berlin, UTC+01:00)" in asked
    assert fields_of(asked)["occurrence"] == ["second"]


@pytest.mark.parametrize(
    ("occurrence", "hour"), [("first", "00:30 (UTC)"), ("second", "01:30 (UTC)")]
)
def test_of_two_hours_the_one_that_was_chosen_counts(
    editor_client: Client, draft: Campaign, occurrence: str, hour: str
) -> None:
    post(editor_client, "campaign_schedule", draft, **TWICE, occurrence=occurrence)
    draft.refresh_from_db()
    assert draft.send_at is not None
    with timezone.override("UTC"):
        assert display.there(draft.send_at).endswith(hour)


def test_what_is_not_ready_can_not_be_scheduled(editor_client: Client, draft: Campaign) -> None:
    draft.include_lists.clear()
    post(editor_client, "campaign_schedule", draft, when="now")
    assert Campaign.objects.get(pk=draft.pk).status == CampaignStatus.DRAFT
    dialog = editor_client.get(
        reverse("campaign_confirm", args=[draft.pk]), {"when": "now"}, headers={"HX-Request": "1"}
    )
    assert "No list and no segment is chosen." in dialog.content.decode()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("campaign_unschedule", "scheduled", "draft"),
        ("campaign_pause", "sending", "paused"),
        ("campaign_resume", "paused", "sending"),
        ("campaign_cancel", "scheduled", "cancelled"),
        ("campaign_cancel", "sending", "cancelled"),
        ("campaign_cancel", "paused", "cancelled"),
        ("campaign_resume", "sent", "sent"),
        ("campaign_pause", "draft", "draft"),
        ("campaign_cancel", "sent", "sent"),
    ],
)
def test_steps(editor_client: Client, draft: Campaign, name: str, before: str, after: str) -> None:
    Campaign.objects.filter(pk=draft.pk).update(status=before, send_at=timezone.now())
    assert editor_client.get(reverse(name, args=[draft.pk])).status_code in {200, 302, 405}
    assert Campaign.objects.get(pk=draft.pk).status == before, "GET changes nothing"
    assert post(editor_client, name, draft).status_code == 302
    assert Campaign.objects.get(pk=draft.pk).status == after


def test_a_pause_keeps_who_and_why(editor_client: Client, draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.SENDING)
    post(editor_client, "campaign_pause", draft, reason=" Wrong\nprice ")
    draft.refresh_from_db()
    assert draft.pause_reason == "Wrong price"
    assert draft.paused_by is not None
    assert draft.paused_by.name == "Budi"


@pytest.mark.parametrize(
    "name",
    [
        "campaign_schedule",
        "campaign_unschedule",
        "campaign_pause",
        "campaign_resume",
        "campaign_cancel",
        "campaign_duplicate",
        "campaign_delete",
        "campaign_rename",
        "campaign_test_send",
    ],
)
def test_an_analyst_may_not(analyst_client: Client, draft: Campaign, name: str) -> None:
    assert post(analyst_client, name, draft, when="now", name="Mine").status_code == 403
    stored = Campaign.objects.get(pk=draft.pk)
    assert (stored.status, stored.name) == (CampaignStatus.DRAFT, "Panen")


def test_rename_duplicate_delete(editor_client: Client, draft: Campaign) -> None:
    post(editor_client, "campaign_rename", draft, name="  Panen  raya ")
    post(editor_client, "campaign_rename", draft, name=" ")
    assert Campaign.objects.get(pk=draft.pk).name == "Panen raya"
    post(editor_client, "campaign_duplicate", draft)
    copy = Campaign.objects.exclude(pk=draft.pk).get()
    assert copy.name == "Copy of Panen raya"
    assert (
        "Delete this campaign?"
        in editor_client.get(reverse("campaign_delete", args=[copy.pk])).content.decode()
    )
    post(editor_client, "campaign_delete", copy)
    assert list(Campaign.objects.all()) == [draft]


def test_what_was_sent_is_kept(editor_client: Client, draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(
        status=CampaignStatus.SENT, started_at=timezone.now()
    )
    post(editor_client, "campaign_delete", draft)
    assert Campaign.objects.filter(pk=draft.pk).exists()


def test_scheduling_keeps_how_many_were_to_get_it(editor_client: Client, draft: Campaign) -> None:
    post(editor_client, "campaign_schedule", draft, **in_three_days())
    assert Campaign.objects.get(pk=draft.pk).expected == 1
    post(editor_client, "campaign_unschedule", draft)
