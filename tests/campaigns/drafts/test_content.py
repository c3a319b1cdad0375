"""Saving what is written: in place, in versions, and never over somebody else's words."""

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from campaigns import lifecycle
from campaigns.drafts import content
from campaigns.drafts.content import CampaignSender, Draft
from campaigns.models import Content
from campaigns.states import CampaignStatus, ContentKind
from tests.campaigns.makers import make_campaign

NEW = Draft(kind=ContentKind.MARKDOWN, subject="Baru", source="# Halo")


def test_a_draft_is_saved_in_place(workspace: Workspace, editor: User) -> None:
    campaign = make_campaign(workspace)
    saved = content.save(campaign, NEW, by=editor)
    assert saved == campaign.content
    assert content.writing(Content.objects.get(campaign=campaign)) == NEW
    assert saved.version == 1


def test_an_older_tab_does_not_overwrite(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    assert campaign.content is not None
    loaded = content.revision(campaign.content)
    content.save(campaign, NEW, based_on=loaded)
    other = Draft(kind=ContentKind.MARKDOWN, subject="Lain", source="lost?")
    with pytest.raises(content.ChangedMeanwhileError) as caught:
        content.save(campaign, other, based_on=loaded)
    assert content.writing(caught.value.content) == NEW
    assert content.writing(Content.objects.get(campaign=campaign)) == NEW
    kept = content.save(campaign, other, based_on=content.revision(caught.value.content))
    assert content.writing(kept) == other


def test_saving_the_same_again_changes_nothing(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    assert campaign.content is not None
    loaded = content.revision(campaign.content)
    once = content.save(campaign, NEW, based_on=loaded)
    again = content.save(campaign, NEW, based_on=loaded)
    assert content.revision(once) == content.revision(again)


def test_the_sender_is_saved_with_the_draft(workspace: Workspace) -> None:
    campaign = make_campaign(workspace)
    assert campaign.content is not None
    before = content.revision(campaign.content)
    sender = CampaignSender(from_name="Sari", from_email="sari@kopisenja.example", reply_to="")
    saved = content.save(
        campaign, content.writing(campaign.content), sender=sender, based_on=before
    )
    campaign.refresh_from_db()
    assert (campaign.from_name, campaign.from_email) == ("Sari", "sari@kopisenja.example")
    assert content.revision(saved) != before


def test_what_was_sent_keeps_its_version(workspace: Workspace, editor: User) -> None:
    campaign = make_campaign(workspace)
    lifecycle.schedule(campaign, at=timezone.now())
    lifecycle.start(campaign)
    lifecycle.pause(campaign)
    second = content.save(
        campaign, NEW, by=editor, sender=CampaignSender(from_name="X", from_email="x@example.org")
    )
    assert second.version == 2
    assert campaign.content == second
    first = Content.objects.get(campaign=campaign, version=1)
    assert (first.subject, first.source) == ("Panen raya", "Halo {{ first_name }}")
    third = content.save(campaign, Draft(kind=ContentKind.TEXT, source="still paused"))
    assert third == second
    campaign.refresh_from_db()
    assert campaign.from_email == "kabar@kopisenja.example"


@pytest.mark.parametrize(
    "status",
    [
        CampaignStatus.SCHEDULED,
        CampaignStatus.SENDING,
        CampaignStatus.SENT,
        CampaignStatus.CANCELLED,
    ],
)
def test_what_is_under_way_or_over_cannot_be_edited(
    workspace: Workspace, status: CampaignStatus
) -> None:
    campaign = make_campaign(workspace, status=status)
    with pytest.raises(content.NotEditableError):
        content.save(campaign, NEW)
