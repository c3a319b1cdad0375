"""The components draw what they are given."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.look.urls")]


def test_every_component_draws(client: Client, owner: User) -> None:
    client.force_login(owner)
    page = client.get("/kitchen/")
    assert page.status_code == 200
    assert "= audience <strong>12,402</strong>" in page.content.decode()
