"""What surrounds every page."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from subscribers.models import MailingList
from tests import people

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.look.urls")]


def test_the_frame_costs_the_same_however_many_workspaces(
    owner: User, owner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner_client.get("/kitchen/")
    with django_assert_num_queries(FRAME):
        owner_client.get("/kitchen/")
    for name in ("Satu", "Dua", "Tiga"):
        other = people.make_workspace(name, slug=name.lower())
        Membership.objects.create(workspace=other, user=owner, role=Role.OWNER)
    with django_assert_num_queries(FRAME):
        owner_client.get("/kitchen/")


# Session, user, membership, tally, memberships, sandbox?, running campaigns, held or asked?
FRAME = 8


def test_the_switcher_shows_no_workspace_of_others(
    owner_client: Client, other_workspace: Workspace
) -> None:
    assert other_workspace.name not in owner_client.get("/kitchen/").content.decode()


def test_an_analyst_is_not_led_to_settings_of_managers(analyst_client: Client) -> None:
    page = analyst_client.get("/kitchen/").content.decode()
    assert 'href="/kopi-senja/settings/"' not in page


def test_the_theme_chosen_in_this_browser_is_there_from_the_first_byte(
    owner_client: Client,
) -> None:
    owner_client.cookies["warta_theme"] = "dark"
    assert 'data-bs-theme="dark"' in owner_client.get("/kitchen/").content.decode()
    owner_client.cookies["warta_theme"] = '"><script>'
    assert (
        "data-bs-theme" not in owner_client.get("/kitchen/").content.decode().partition("<body")[0]
    )


def test_the_search_finds_while_one_types(owner_client: Client, workspace: Workspace) -> None:
    MailingList.objects.create(workspace=workspace, name="Kabar Kopi")
    found = owner_client.get("/search/?q=kabar", headers={"HX-Request": "true"}).content.decode()
    assert "Kabar Kopi" in found
    assert "<html" not in found
    assert owner_client.get("/search/?q=", headers={"HX-Request": "true"}).content == b""
