"""The home page: it greets, and offers nothing that a role may not do."""

import re

import pytest
from django.urls import reverse

from accounts.workspace_urls import in_workspace
from delivery.models import SendingAccount


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
