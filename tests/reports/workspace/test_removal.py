"""A workspace that its owner deletes is closed at once and leaves nothing behind."""

import pytest
from django.db import connection
from django.urls import reverse

import config.celery  # noqa: F401 - its tasks know of commits
from accounts.models import Membership, Workspace
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from reports import tasks
from subscribers.imports import files
from subscribers.models import Import
from tests.campaigns.makers import make_campaign, make_list, make_reader


@pytest.fixture
def lived_in(workspace):
    news = make_list(workspace)
    make_reader(workspace, news, "dewi@example.org", first_name="Dewi")
    make_campaign(workspace, news, status=CampaignStatus.DRAFT)
    path = files.folder() / "removal-test.csv"
    path.write_text("email\ndewi@example.org\n", encoding="utf-8")
    Import.objects.create(workspace=workspace, filename="people.csv", path=str(path), size=10)
    yield path
    path.unlink(missing_ok=True)


def rows_of(workspace_id):
    """Return every table that still names the workspace."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'workspace_id'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        left = []
        for table in tables:
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE workspace_id = %s",  # noqa: S608 - from the catalogue
                [workspace_id],
            )
            if cursor.fetchone()[0]:
                left.append(table)
    return left


def test_the_name_has_to_be_typed(workspace, lived_in, owner_client):
    address = reverse("workspace_delete")
    page = owner_client.get(address).content.decode()
    assert "1 person with their consent history" in page
    answer = owner_client.post(address, {"name": "Kopi"})
    assert answer.status_code == 422
    assert Membership.objects.filter(workspace=workspace).exists()


def test_nobody_enters_any_more_and_nothing_is_left(
    workspace, other_workspace, lived_in, owner_client
):
    before = rows_of(other_workspace.pk)
    owner_client.post(reverse("workspace_delete"), {"name": "Kopi Senja"})
    assert not Membership.objects.filter(workspace=workspace).exists()
    assert owner_client.get(f"/{workspace.slug}/").status_code == 404
    tasks.remove_deleted_workspaces()
    assert not Workspace.objects.filter(pk=workspace.pk).exists()
    assert rows_of(workspace.pk) == []
    assert not lived_in.exists()
    assert rows_of(other_workspace.pk) == before


def test_not_while_a_campaign_is_under_way(workspace, lived_in, owner_client):
    Campaign.objects.update(status=CampaignStatus.SENDING)
    page = owner_client.get(reverse("workspace_delete")).content.decode()
    assert "Campaigns are under way." in page
    owner_client.post(reverse("workspace_delete"), {"name": "Kopi Senja"})
    assert Membership.objects.filter(workspace=workspace).exists()


def test_only_owners_delete(workspace, lived_in, admin_client):
    assert admin_client.get(reverse("workspace_delete")).status_code == 403
    answer = admin_client.post(reverse("workspace_delete"), {"name": "Kopi Senja"})
    assert answer.status_code == 403
