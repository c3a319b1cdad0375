"""Moving by pages: choose the tool, upload, look, move."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.background import waking
from subscribers import tasks
from subscribers.models import MailingList, Subscriber, ToolMigration
from tests.subscribers.migrate_from.exports import mailchimp_zip

NEW = "/subscribers/migrate/new/?from=mailchimp"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(waking, "wake", lambda task, *args: task(*args))


def upload(client, content, name="export.zip", **values):
    file = SimpleUploadedFile(name, content)
    return client.post(
        NEW, {"uploads": [file], "statement": "Yes please", "new_list": "News", **values}
    )


def test_from_a_zip_to_people(editor_client, workspace):
    assert "Mailchimp" in editor_client.get("/subscribers/migrate/").text
    assert editor_client.get(NEW).status_code == 200
    answer = upload(editor_client, mailchimp_zip())
    record = ToolMigration.objects.get()
    assert answer.headers["Location"] == f"/kopi-senja/subscribers/migrate/{record.pk}/"
    page = editor_client.get(answer.headers["Location"]).text
    assert "Nothing is written yet" in page
    assert "People who never agreed" in page
    assert MailingList.objects.get(name="News").visibility == "private"
    assert "Into News (private)" in page
    assert "can undo the whole migration for 30 days" in page
    assert record.flagged["new_tags"]
    assert f"New tags: {record.flagged['new_tags'][0]}" in page
    assert len(record.flagged["fields"]) == len(set(record.flagged["fields"]))
    assert f"/subscribers/migrate/{record.pk}/" in editor_client.get("/subscribers/imports/").text
    assert not Subscriber.objects.exists()
    editor_client.post(f"{answer.headers['Location']}act/", {"action": "run"})
    record.refresh_from_db()
    assert record.status == "done"
    assert Subscriber.objects.filter(workspace=workspace).count() == 7
    report = editor_client.get(f"/subscribers/migrate/{record.pk}/report/")
    assert b"not an address" in b"".join(report.streaming_content)
    assert "Done." in editor_client.get(f"/subscribers/migrate/{record.pk}/").text


def test_what_is_no_export_is_refused_and_leaves_nothing(editor_client, db, tmp_path):
    answer = upload(editor_client, b"Name\nDewi\n", name="a.csv")
    assert answer.status_code == 422
    assert "Email Address" in answer.text
    assert not MailingList.objects.exists()
    assert not ToolMigration.objects.exists()
    assert not list((tmp_path / "imports").iterdir())


def test_a_list_is_asked_for(editor_client, db):
    assert upload(editor_client, mailchimp_zip(), new_list=" ").status_code == 422


def test_only_commands_read_databases(editor_client, workspace):
    assert editor_client.get("/subscribers/migrate/new/?from=listmonk_database").status_code == 302
    record = ToolMigration.objects.create(workspace=workspace, source="listmonk_database")
    editor_client.post(f"/subscribers/migrate/{record.pk}/act/", {"action": "run"})
    record.refresh_from_db()
    assert record.status == "uploaded"


def test_analysts_move_nobody(analyst_client, db):
    assert analyst_client.get("/subscribers/migrate/").status_code == 403


def test_a_move_that_wrote_nothing_is_discarded(editor_client, taken, tmp_path):
    record = taken("mailchimp", ("export.zip", mailchimp_zip()))
    editor_client.post(f"/subscribers/migrate/{record.pk}/act/", {"action": "discard"})
    assert not ToolMigration.objects.exists()
    assert not list((tmp_path / "imports").iterdir())


def test_a_move_is_undone_by_pages(editor_client, workspace):
    place = upload(editor_client, mailchimp_zip()).headers["Location"]
    editor_client.post(f"{place}act/", {"action": "run"})
    record = ToolMigration.objects.get()
    asks = f"/subscribers/import/{record.pk}/undo/"
    assert asks in editor_client.get(place).text
    page = editor_client.get(asks).text
    assert "7 people that it created are deleted" in page
    assert "1 address that it suppressed may be written to again" in page
    assert editor_client.post(asks).headers["Location"] == place
    assert not Subscriber.objects.filter(workspace=workspace).exists()
    assert "7 people removed" in editor_client.get(place).text


def test_a_move_has_no_page_among_the_imports_of_files(editor_client, taken):
    record = taken("mailchimp", ("export.zip", mailchimp_zip()))
    assert editor_client.get(f"/subscribers/import/{record.pk}/").status_code == 404
    assert editor_client.get(f"/subscribers/migrate/{record.pk}/").status_code == 200


def test_what_a_dead_worker_left_is_taken_up_but_no_database(workspace, monkeypatch, taken):
    again = []
    for task in (tasks.check_import, tasks.run_import, tasks.undo_import):
        monkeypatch.setattr(task, "delay", again.append)
    record = taken("mailchimp", ("export.zip", mailchimp_zip()))
    ToolMigration.objects.filter(pk=record.pk).update(status="running")
    database = ToolMigration.objects.create(workspace=workspace, source="listmonk_database")
    for status, expected in (("running", [record.pk]), ("undoing", [record.pk, database.pk])):
        ToolMigration.objects.filter(pk=database.pk).update(status=status)
        again.clear()
        tasks.resume_imports()
        assert sorted(again) == expected
