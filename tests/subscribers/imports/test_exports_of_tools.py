"""Nobody is subscribed by an import who had left elsewhere, by page and by command."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.background import waking
from subscribers.imports import run
from subscribers.models import Import, MailingList, Subscription, Suppression
from tests.subscribers.imports.exports_of_tools import EXPORTS


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def command(workspace, weekly, tmp_path):
    def call(text, *options):
        file = tmp_path / "people.csv"
        file.write_text(text, encoding="utf-8")
        out = StringIO()
        call_command(
            "import_subscribers", str(file), "--list", "Weekly", "--json", *options, stdout=out
        )
        return json.loads(out.getvalue())

    return call


def standing(email):
    barred = Suppression.objects.filter(email_key=email).first()
    if barred:
        assert not Subscription.objects.filter(subscriber__email_key=email).exists()
        return f"suppressed:{barred.reason}"
    on_list = Subscription.objects.filter(subscriber__email_key=email).first()
    return on_list.status if on_list else None


@pytest.mark.parametrize("export", EXPORTS, ids=[export.name for export in EXPORTS])
def test_everybody_stands_where_they_stood_by_command(command, export):
    outcome = command(export.text)
    assert {email: standing(email) for email in export.people} == export.people
    assert outcome["source"] == (export.source or None)
    assert outcome["invalid"] == 0
    assert sum(outcome["standings"].values()) == outcome["rows"]


@pytest.mark.parametrize("export", EXPORTS, ids=[export.name for export in EXPORTS])
def test_everybody_stands_where_they_stood_by_page(editor_client, weekly, monkeypatch, export):

    monkeypatch.setattr(waking, "wake", lambda *_: None)
    editor_client.post(reverse("import_new"), {"text": export.text})
    record = Import.objects.get()
    page = reverse("import_page", args=[record.pk])
    assert editor_client.get(page).status_code == 200
    consent = {
        "list": weekly.pk,
        "status": "subscribed",
        "statement": "Moved here",
        "existing": "overwrite",
    }
    assert (
        editor_client.post(f"{page}?step=consent", consent).url == f"/{weekly.workspace.slug}{page}"
    )
    assert run.check(record.pk)
    assert editor_client.get(page).status_code == 200
    editor_client.post(reverse("import_act", args=[record.pk]), {"action": "run"})
    assert run.run(record.pk)
    assert {email: standing(email) for email in export.people} == export.people
