"""A new campaign, its audience and its tracking."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from accounts.workspaces.workspace_urls import in_workspace
from campaigns.models import Campaign, Template
from campaigns.states import CampaignStatus
from subscribers.models import MailingList
from tests.campaigns.makers import make_list, make_reader


def test_a_new_campaign_goes_to_its_audience(
    editor_client: Client, workspace: Workspace, news: MailingList
) -> None:
    digest = Template.objects.get(workspace=workspace, name="Digest")
    answer = editor_client.post(
        reverse("campaign_new"), {"name": " Juni ", "kind": "markdown", "template": digest.pk}
    )
    campaign = Campaign.objects.get()
    assert answer["Location"] == in_workspace(workspace, "campaign_audience", campaign.pk)
    assert campaign.name == "Juni"
    assert campaign.content is not None
    assert campaign.content.template == digest
    assert campaign.created_by is not None


def test_a_campaign_needs_a_name(editor_client: Client, news: MailingList) -> None:
    page = editor_client.post(reverse("campaign_new"), {"name": "  ", "kind": "mjml"})
    assert page.status_code == 200
    assert "This field is required." in page.content.decode()
    assert not Campaign.objects.exists()


def test_the_audience_is_counted_before_it_is_saved(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    staff = make_list(draft.workspace, "Staff")
    make_reader(draft.workspace, staff, "barista@example.org")
    path = reverse("campaign_audience_count", args=[draft.pk])
    text = editor_client.get(path, {"include": [news.pk, staff.pk]}).content.decode()
    assert "<strong>2</strong> of 2 get it" in text
    both = {"include": [news.pk, staff.pk], "exclude": [staff.pk]}
    text = editor_client.get(path, both).content.decode()
    assert "<strong>1</strong> of 2 gets it" in text
    assert list(draft.include_lists.all()) == [news]


def test_the_audience_is_saved(editor_client: Client, draft: Campaign, news: MailingList) -> None:
    staff = make_list(draft.workspace, "Staff")
    path = reverse("campaign_audience", args=[draft.pk])
    data = {"include": [news.pk], "exclude": [staff.pk]}
    assert editor_client.post(path, data, headers={"X-Autosave": "1"}).status_code == 204
    assert list(draft.exclude_lists.all()) == [staff]
    assert editor_client.post(path, data)["Location"] == in_workspace(
        draft.workspace, "campaign_content", draft.pk
    )


def test_a_list_of_another_workspace_can_not_be_chosen(
    editor_client: Client, draft: Campaign, news: MailingList, other_workspace: Workspace
) -> None:
    theirs = make_list(other_workspace, "Theirs")
    path = reverse("campaign_audience", args=[draft.pk])
    answer = editor_client.post(path, {"include": [theirs.pk]}, headers={"X-Autosave": "1"})
    assert answer.status_code == 422
    assert list(draft.include_lists.all()) == [news]


def test_the_audience_of_what_is_scheduled_stays(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.SCHEDULED)
    path = reverse("campaign_audience", args=[draft.pk])
    assert editor_client.post(path, {"include": []}).status_code == 302
    assert list(draft.include_lists.all()) == [news]


def test_tracking(editor_client: Client, draft: Campaign) -> None:
    path = reverse("campaign_tracking", args=[draft.pk])
    editor_client.post(path, {"track_clicks": "on"})
    draft.refresh_from_db()
    assert (draft.track_opens, draft.track_clicks) == (False, True)


@pytest.mark.parametrize("name", ["campaign_audience", "campaign_tracking"])
def test_an_analyst_looks_only(analyst_client: Client, draft: Campaign, name: str) -> None:
    path = reverse(name, args=[draft.pk])
    assert analyst_client.get(path).status_code == 200
    assert analyst_client.post(path, {}).status_code == 403
    draft.refresh_from_db()
    assert draft.include_lists.count() == 1
    assert draft.track_opens is True


def test_more_lists_are_not_more_queries(
    editor_client: Client, draft: Campaign, django_assert_num_queries: Any
) -> None:
    path = reverse("campaign_audience", args=[draft.pk])
    editor_client.get(path)
    with django_assert_num_queries(24):
        editor_client.get(path)
    make_list(draft.workspace, "Staff")
    make_list(draft.workspace, "Shop")
    with django_assert_num_queries(24):
        editor_client.get(path)
