"""What members see stays out of every cache."""

import pytest
from django.test import Client

from accounts.models import User, Workspace
from accounts.team import api_keys
from tests.delivery import makers

PAGES = [
    "/",
    "/campaigns/",
    "/subscribers/",
    "/subscribers/export/",
    "/subscribers/export/file/?column=email",
    "/suppressions/export/",
    "/settings/team/",
    "/settings/api-keys/",
    "/profile/",
    "/nowhere/",
]


@pytest.mark.parametrize("page", PAGES)
def test_pages_and_exports_of_members(owner_client: Client, page: str) -> None:
    said = owner_client.get(page)["Cache-Control"]
    assert "private" in said
    assert "no-store" in said


def test_a_persons_data(owner_client: Client, workspace: Workspace) -> None:
    person = makers.make_subscriber(workspace, "dewi@example.org", makers.make_list(workspace, "A"))
    for page in ("", "proof/", "proof.json"):
        said = owner_client.get(f"/subscribers/{person.pk}/{page}")["Cache-Control"]
        assert "no-store" in said


def test_the_api(client: Client, workspace: Workspace, owner: User) -> None:
    key = api_keys.create(workspace, name="Toko", role="owner", by=owner)
    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        assert client.get("/api/v1/campaigns", headers=headers)["Cache-Control"] == (
            "private, no-store"
        )
