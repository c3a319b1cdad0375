"""The home page: it greets, and offers nothing that a role may not do."""

import re

import pytest
from django.urls import reverse

from accounts.workspaces.workspace_urls import in_workspace
from campaigns.audience import rule
from delivery.models import SendingAccount
from reports.campaign import cards
from subscribers.models import Segment
from tests.campaigns.makers import make_campaign, make_list, make_reader, make_subscriber


def greeting(page: str) -> str:
    return str(re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[0]).strip()


@pytest.mark.parametrize(("name", "ending"), [("Sari Dewi", ", Sari"), ("", "")])
def test_it_greets_by_first_name_if_there_is_one(owner, owner_client, name, ending):
    owner.name = name
    owner.save(update_fields=["name"])
    shown = greeting(owner_client.get(reverse("home")).content.decode())
    assert re.fullmatch(rf"Good (morning|afternoon|evening){ending}", shown)


@pytest.mark.parametrize("name", ["home", "campaign_list", "report_list", "subscriber_list"])
def test_who_may_only_look_is_offered_nothing_to_write(
    analyst_client, editor_client, workspace, name
):
    writing = [f'href="{in_workspace(workspace, to)}"' for to in ("campaign_new", "import_new")]
    page = analyst_client.get(reverse(name)).content.decode()
    assert [link for link in writing if link in page] == []
    page = editor_client.get(reverse(name)).content.decode()
    assert [link for link in writing if link in page] != []


def test_the_checklist_leads_to_the_very_thing(workspace, owner_client):
    workspace.postal_address = ""
    workspace.save(update_fields=["postal_address"])
    sandbox = SendingAccount.objects.create(workspace=workspace, name="Sandbox", kind="sandbox")
    page = owner_client.get(reverse("home")).content.decode()
    for address in (
        reverse("account_choose"),
        reverse("settings_workspace") + "#id_postal_address",
        reverse("import_new"),
        reverse("template_new"),
        reverse("account_edit", args=[sandbox.pk]) + "#test",
        reverse("campaign_new"),
    ):
        assert f'href="/kopi-senja{address}"' in page
        path, _mark, place = address.partition("#")
        assert f'id="{place}"' in owner_client.get(path).content.decode() or not place


@pytest.mark.parametrize("with_lists", [True, False])
def test_at_most_is_a_bound_whatever_a_segment_counted_once(workspace, owner_client, with_lists):
    news, offers = make_list(workspace, "News"), make_list(workspace, "Offers")
    for number in range(6):
        make_reader(workspace, news, f"reader{number}@example.org", first_name="Dewi")
    make_reader(workspace, offers, "offer@example.org", first_name="Dewi")
    make_subscriber(workspace, "none@example.org", first_name="Dewi")
    rules = {
        "version": 1,
        "match": "all",
        "rules": [{"subject": "first_name", "operator": "is", "text": "Dewi"}],
    }
    for count in (None, 0, 1, 3):  # never counted, or before they came
        segment = Segment.objects.create(
            workspace=workspace, name=f"Dewi {count}", rules=rules, count=count
        )
        campaign = make_campaign(workspace, *([news] if with_lists else []))
        campaign.include_segments.add(segment)
        goes = rule.breakdown(campaign).will_get
        card = cards.page(workspace).cards[0]
        assert card.campaign == campaign
        assert 6 <= goes <= card.at_most
    page = owner_client.get(reverse("campaign_list")).content.decode()
    assert f"at most {6 if with_lists else 8} people now" in page
