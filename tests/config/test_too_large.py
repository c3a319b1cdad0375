"""What is too large to be taken is refused in words; nothing that was typed is lost."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from campaigns.models import Campaign
from tests.campaigns.makers import make_campaign

pytestmark = pytest.mark.django_db
TOO_LARGE = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)


@pytest.fixture
def draft(workspace: Workspace) -> Campaign:
    return make_campaign(workspace, subject="Panen raya")


def test_an_autosave_says_so_in_the_page(editor_client: Client, draft: Campaign) -> None:
    path = reverse("campaign_autosave", args=[draft.pk])
    fields = {"subject": "Diskon", "source": TOO_LARGE}
    answer = editor_client.post(path, fields, headers={"X-Autosave": "1"})
    assert answer.status_code == 413
    assert "What you typed is still here" in answer.text
    assert "<html" not in answer.text
    stored = Campaign.objects.select_related("content").get(pk=draft.pk)
    assert stored.content is not None
    assert stored.content.subject == "Panen raya"


def test_a_page_says_how_to_get_it_back(editor_client: Client, draft: Campaign) -> None:
    path = reverse("campaign_content", args=[draft.pk])
    answer = editor_client.post(path, {"subject": "Diskon", "source": TOO_LARGE})
    assert answer.status_code == 413
    assert "Go back: your browser has kept what you typed." in answer.text


def test_the_editor_takes_a_million_characters_of_any_script(
    editor_client: Client, draft: Campaign
) -> None:
    """Sent as parts, not percent-encoded: three bytes for a character and not nine."""
    path = reverse("campaign_content", args=[draft.pk])
    page = editor_client.get(path).text
    assert 'id="content-form" enctype="multipart/form-data"' in page
    answer = editor_client.post(path, {"subject": "Kopi", "source": "咖" * 1_000_000})
    assert answer.status_code == 302


def test_pages_know_what_is_too_large(editor_client: Client, draft: Campaign) -> None:
    page = editor_client.get(reverse("campaign_content", args=[draft.pk])).text
    assert f'data-most="{settings.DATA_UPLOAD_MAX_MEMORY_SIZE}"' in page
