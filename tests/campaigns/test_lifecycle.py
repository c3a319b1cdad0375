"""A campaign's steps: each is won by exactly one of those who try."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.models import User, Workspace
from campaigns import lifecycle
from campaigns.models import Campaign, Content
from campaigns.rendering.stored import surroundings
from campaigns.states import CampaignStatus, ContentKind
from subscribers.models import CustomField
from tests.campaigns.makers import make_campaign, make_list

Step = Callable[[Campaign], bool]
STEPS: dict[str, Step] = {
    "schedule": lambda campaign: lifecycle.schedule(campaign, at=timezone.now()),
    "unschedule": lifecycle.unschedule,
    "start": lifecycle.start,
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "cancel": lifecycle.cancel,
    "finish": lifecycle.finish,
    "reopen": lifecycle.reopen,
}
LEADS_TO = {
    CampaignStatus.DRAFT: {"schedule": CampaignStatus.SCHEDULED},
    CampaignStatus.SCHEDULED: {
        "unschedule": CampaignStatus.DRAFT,
        "start": CampaignStatus.SENDING,
        "cancel": CampaignStatus.CANCELLED,
    },
    CampaignStatus.SENDING: {
        "pause": CampaignStatus.PAUSED,
        "cancel": CampaignStatus.CANCELLED,
        "finish": CampaignStatus.SENT,
    },
    CampaignStatus.PAUSED: {
        "resume": CampaignStatus.SENDING,
        "cancel": CampaignStatus.CANCELLED,
    },
    CampaignStatus.SENT: {"reopen": CampaignStatus.SENDING},
    CampaignStatus.CANCELLED: {},
}


@pytest.mark.parametrize("status", list(CampaignStatus))
@pytest.mark.parametrize("step", list(STEPS))
def test_every_step_from_every_status(
    workspace: Workspace, status: CampaignStatus, step: str
) -> None:
    campaign = make_campaign(workspace, status=status, send_at=timezone.now())
    expected = LEADS_TO[status].get(step)
    assert STEPS[step](campaign) is (expected is not None)
    assert Campaign.objects.get(pk=campaign.pk).status == (expected or status)


def test_a_campaign_starts_with_the_usual_sender(workspace: Workspace, editor: User) -> None:
    make_campaign(
        workspace, from_name="Sari", from_email="sari@kopisenja.example", reply_to="x@y.z"
    )
    campaign = lifecycle.create(workspace, name="Juni", kind=ContentKind.MJML, by=editor)
    assert (campaign.from_name, campaign.from_email, campaign.reply_to) == (
        "Sari",
        "sari@kopisenja.example",
        "x@y.z",
    )
    assert campaign.content is not None
    assert (campaign.content.version, campaign.content.kind) == (1, "mjml")
    assert campaign.status == CampaignStatus.DRAFT


def test_a_copy_is_a_draft_with_everything_but_the_fate(workspace: Workspace, editor: User) -> None:
    news, staff = make_list(workspace, "News"), make_list(workspace, "Staff")
    campaign = make_campaign(
        workspace,
        news,
        status=CampaignStatus.SENT,
        track_opens=False,
        started_at=timezone.now(),
        send_at=timezone.now(),
    )
    campaign.exclude_lists.add(staff)
    copy = lifecycle.duplicate(campaign, by=editor)
    assert copy.name == "Copy of Panen"
    assert (copy.status, copy.send_at, copy.started_at) == (CampaignStatus.DRAFT, None, None)
    assert (copy.track_opens, copy.track_clicks) == (False, True)
    assert list(copy.include_lists.all()) == [news]
    assert list(copy.exclude_lists.all()) == [staff]
    assert copy.content is not None
    assert copy.content != campaign.content
    assert (copy.content.subject, copy.content.source) == ("Panen raya", "Halo {{ first_name }}")


def test_the_past_is_refused(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    with pytest.raises(lifecycle.PastTimeError):
        lifecycle.schedule(campaign, at=timezone.now() - timedelta(minutes=2))
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.DRAFT


def test_a_send_does_not_start_before_its_time(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    lifecycle.schedule(campaign, at=timezone.now() + timedelta(hours=1))
    assert lifecycle.start(campaign) is False


def test_starting_and_resuming_freeze_the_content(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    lifecycle.schedule(campaign, at=timezone.now())
    assert Content.objects.get(campaign=campaign).frozen_at is None
    lifecycle.start(campaign)
    first = Content.objects.get(campaign=campaign)
    assert first.frozen_at is not None
    lifecycle.pause(campaign)
    second = Content.objects.create(campaign=campaign, version=2)
    Campaign.objects.filter(pk=campaign.pk).update(content=second)
    lifecycle.resume(campaign)
    second.refresh_from_db()
    assert second.frozen_at is not None
    assert Content.objects.get(pk=first.pk).frozen_at == first.frozen_at


def test_a_pause_says_who_and_why_until_resumed(workspace: Workspace, editor: User) -> None:
    campaign = make_campaign(workspace, status=CampaignStatus.SENDING)
    lifecycle.pause(campaign, by=editor, reason="Wrong price " * 40)
    campaign.refresh_from_db()
    assert campaign.paused_by == editor
    assert campaign.pause_reason.startswith("Wrong price")
    assert len(campaign.pause_reason) == 300
    lifecycle.resume(campaign)
    resumed = Campaign.objects.get(pk=campaign.pk)
    assert resumed.paused_at is None
    assert resumed.paused_by is None
    assert not resumed.pause_reason


@pytest.mark.parametrize(
    ("status", "started", "deleted"),
    [
        (CampaignStatus.DRAFT, False, True),
        (CampaignStatus.CANCELLED, False, True),
        (CampaignStatus.CANCELLED, True, False),
        (CampaignStatus.SCHEDULED, False, False),
        (CampaignStatus.SENDING, True, False),
        (CampaignStatus.SENT, True, False),
    ],
)
def test_only_what_was_never_sent_can_be_deleted(
    workspace: Workspace,
    status: CampaignStatus,
    started: bool,  # noqa: FBT001 - a table's column
    deleted: bool,  # noqa: FBT001 - a table's column
) -> None:
    campaign = make_campaign(
        workspace, status=status, started_at=timezone.now() if started else None
    )
    assert lifecycle.is_deletable(campaign) is deleted
    assert lifecycle.delete(campaign) is deleted
    assert Campaign.objects.filter(pk=campaign.pk).exists() is not deleted
    assert Content.objects.filter(campaign_id=campaign.pk).exists() is not deleted


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (CampaignStatus.DRAFT, ("schedule", "schedule")),
        (CampaignStatus.SCHEDULED, ("unschedule", "start")),
        (CampaignStatus.SENDING, ("finish", "cancel")),
        (CampaignStatus.PAUSED, ("cancel", "cancel")),
    ],
)
def test_of_two_at_once_one_wins(
    workspace: Workspace, status: CampaignStatus, steps: tuple[str, str]
) -> None:
    campaign = make_campaign(workspace, status=status, send_at=timezone.now())

    def take(step: str) -> bool:
        try:
            return STEPS[step](Campaign.objects.get(pk=campaign.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        won = list(pool.map(take, steps))
    assert sorted(won) == [False, True]


def test_only_campaigns_that_are_over_are_archived(workspace: Workspace) -> None:
    campaign = make_campaign(workspace, make_list(workspace))
    assert lifecycle.archive(campaign, archived=True) is False
    Campaign.objects.update(status=CampaignStatus.SENT)
    assert lifecycle.archive(campaign, archived=True) is True
    campaign.refresh_from_db()
    assert campaign.archived_at is not None
    assert lifecycle.archive(campaign, archived=False) is True
    campaign.refresh_from_db()
    assert campaign.archived_at is None


def test_versions_of_before_are_frozen_with_what_they_had(workspace: Workspace) -> None:
    template = workspace.templates.create(name="T", source="In it {{ content }}")
    CustomField.objects.create(workspace=workspace, key="my-city", label="City", type="text")
    sent, planned, draft = (make_campaign(workspace) for _ in range(3))
    Content.objects.filter(campaign__in=[sent, planned]).update(template=template)
    Content.objects.filter(campaign=sent).update(frozen_at=timezone.now())
    Campaign.objects.filter(pk=planned.pk).update(status=CampaignStatus.SCHEDULED)
    import_module("campaigns.migrations.0005_frozen_with").keep_todays_values(apps, None)
    for campaign in (sent, planned):
        content = Content.objects.select_related("template", "campaign__workspace").get(
            campaign=campaign
        )
        now = surroundings(content)
        del now["constants"]["brand_colour"]  # no template of before asks for it
        assert content.frozen_with == now
        assert content.frozen_with["fields"] == {"my_city": ["my-city", "text"]}
        assert content.frozen_with["template"] == "In it {{ content }}"
    assert Content.objects.get(campaign=draft).frozen_with is None
