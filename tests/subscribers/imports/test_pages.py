"""The import wizard: its steps, who may take them, what it refuses."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.background import waking
from accounts.workspaces.workspace_urls import in_workspace
from subscribers.imports import files, run, steps, undo
from subscribers.models import CustomField, Import, MailingList, Subscriber


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def test_the_list_of_imports_takes_the_same_queries_whatever_its_length(
    editor_client, workspace, weekly, django_assert_num_queries
):
    def add():
        Import.objects.create(workspace=workspace, filename="a.csv", mailing_list=weekly)

    add()
    address = reverse("import_list")
    editor_client.get(address)
    with CaptureQueriesContext(connection) as one:
        editor_client.get(address)
    add()
    add()
    with django_assert_num_queries(len(one)):
        editor_client.get(address)


def test_an_analyst_may_not_import(analyst_client, workspace):
    record = Import.objects.create(workspace=workspace, filename="a.csv")
    assert analyst_client.get(reverse("import_list")).status_code == 200
    assert analyst_client.get(reverse("import_new")).status_code == 403
    assert analyst_client.get(reverse("import_page", args=[record.pk])).status_code == 403
    assert analyst_client.post(reverse("import_act", args=[record.pk])).status_code == 403


def test_an_outsider_finds_no_import(outsider_client, workspace):
    record = Import.objects.create(workspace=workspace, filename="a.csv")
    for name in ("import_page", "import_errors"):
        assert outsider_client.get(reverse(name, args=[record.pk])).status_code == 404
    act = reverse("import_act", args=[record.pk])
    assert outsider_client.post(act, {"action": "discard"}).status_code == 404
    assert Import.objects.filter(pk=record.pk).exists()


def test_the_wizard_from_file_to_people(editor_client, weekly, monkeypatch):

    monkeypatch.setattr(waking, "wake", lambda *_: None)
    upload = SimpleUploadedFile("people.csv", b"email,city\na@example.com,Bandung\nnope,\n")
    answer = editor_client.post(reverse("import_new"), {"file": upload})
    record = Import.objects.get()
    page = in_workspace(record.workspace, "import_page", record.pk)
    assert answer.url == page
    assert "What it says" in editor_client.get(page).content.decode()
    columns = {"to_0": "email", "to_1": "new", "label_1": "City", "type_1": "text"}
    assert editor_client.post(f"{page}?step=columns", {"to_0": "", "to_1": ""}).status_code == 422
    assert editor_client.post(f"{page}?step=columns", columns).url == f"{page}?step=consent"
    consent = {
        "list": weekly.pk,
        "status": "subscribed",
        "statement": "Signed up in the shop",
        "existing": "fill",
    }
    assert editor_client.post(f"{page}?step=consent", consent).url == page
    assert "Checking people.csv" in editor_client.get(page).content.decode()
    assert run.check(record.pk)
    shown = editor_client.get(page).content.decode()
    assert "Nothing is written yet" in shown
    assert "No @ in the address" in shown
    assert "Import 1 person" in shown
    assert not Subscriber.objects.exists()
    act = reverse("import_act", args=[record.pk])
    editor_client.post(act, {"action": "run"})
    assert run.run(record.pk)
    assert "Done." in editor_client.get(page).content.decode()
    assert Subscriber.objects.get().fields == {"city": "Bandung"}
    errors = editor_client.get(reverse("import_errors", args=[record.pk]))
    assert b"nope" in b"".join(errors.streaming_content)


def test_pasted_rows_and_refused_files(editor_client):
    editor_client.post(reverse("import_new"), {"text": "a@example.com\nb@example.com"})
    assert Import.objects.get().columns == ["Column 1"]
    broken = SimpleUploadedFile("x.xlsx", b"PK\x03\x04 not a workbook")
    answer = editor_client.post(reverse("import_new"), {"file": broken})
    assert answer.status_code == 422
    assert "can&#39;t be opened" in answer.content.decode()


@pytest.mark.parametrize("whose", ["own", "foreign"])
def test_whoever_comes_from_a_list_finds_it_chosen(editor_client, weekly, other_workspace, whose):
    theirs = MailingList.objects.create(workspace=other_workspace, name="Theirs")
    asked, expected = (weekly, weekly) if whose == "own" else (theirs, None)
    address = reverse("import_new") + f"?list={asked.pk}"
    editor_client.post(address, {"text": "email\nrani@reader.example\n"})
    record = Import.objects.get()
    assert record.mailing_list == expected
    page = editor_client.get(reverse("import_page", args=[record.pk]) + "?step=consent")
    assert (f'<option value="{weekly.pk}" selected>' in page.content.decode()) == (whose == "own")


def test_nothing_is_checked_before_consent_is_stated(editor_client, weekly):
    address = reverse("import_new") + f"?list={weekly.pk}"
    editor_client.post(address, {"text": "email\nrani@reader.example\n"})
    record = Import.objects.get()
    before = record.status
    for action in ("check", "run"):
        editor_client.post(reverse("import_act", args=[record.pk]), {"action": action})
    record.refresh_from_db()
    assert record.status == before


def test_an_import_is_undone_on_a_page_that_says_what_goes(editor_client, workspace, weekly):
    editor_client.post(reverse("import_new") + f"?list={weekly.pk}", {"text": "email\na@b.example"})
    record = Import.objects.get()
    page = reverse("import_undo", args=[record.pk])
    assert editor_client.get(page).status_code == 302  # nothing is written yet
    assert steps.start_run(record)
    assert run.run(record.pk)
    assert "1 person that it created is deleted" in editor_client.get(page).content.decode()
    assert Subscriber.objects.exists()
    editor_client.post(page)
    record.refresh_from_db()
    assert record.status == "undoing"
    assert undo.run(record.pk)
    shown = editor_client.get(reverse("import_page", args=[record.pk])).content.decode()
    assert "Undone." in shown
    assert not Subscriber.objects.exists()


def test_bringing_back_needs_a_reason_and_an_import_needs_a_list(editor_client, weekly):
    editor_client.post(reverse("import_new"), {"text": "email\na@b.example"})
    page = reverse("import_page", args=[Import.objects.get().pk]) + "?step=consent"
    values = {"status": "subscribed", "statement": "At the fair", "existing": "overwrite"}
    assert editor_client.post(page, values).status_code == 422
    values |= {"list": weekly.pk, "bring_back": "on"}
    answer = editor_client.post(page, values)
    assert answer.status_code == 422
    assert "Say when and how they asked to come back" in answer.content.decode()
    answer = editor_client.post(page, values | {"bring_back_reason": "Signed again"})
    assert answer.status_code == 302
    assert Import.objects.get().bring_back_reason == "Signed again"


def test_a_file_can_be_read_in_another_way(editor_client):
    editor_client.post(reverse("import_new"), {"text": "email#name\na@b.example#Ani\n"})
    record = Import.objects.get()
    act = reverse("import_act", args=[record.pk])
    asked = {"action": "reread", "delimiter": "|", "encoding": "utf-8", "has_header": "on"}
    editor_client.post(act, asked)
    record.refresh_from_db()
    assert (record.delimiter, record.columns) == ("|", ["email#name"])
    editor_client.post(act, {**asked, "encoding": "rot13"})
    record.refresh_from_db()
    assert record.encoding == "utf-8"


def test_a_guessed_encoding_is_shown_with_cells_and_can_be_changed(editor_client):
    content = "email,first_name\na@example.com,Plain\nb@example.com,Şarlo\n".encode("cp1254")
    upload = SimpleUploadedFile("people.csv", content)
    editor_client.post(reverse("import_new"), {"file": upload})
    record = Import.objects.get()
    page = reverse("import_page", args=[record.pk])
    shown = editor_client.get(page).content.decode()
    assert "does not say which encoding" in shown
    assert "<code>Þarlo</code>" in shown
    assert '<option value="kz1048">' in shown
    act = {"action": "reread", "encoding": "cp1254", "delimiter": ",", "has_header": "on"}
    editor_client.post(reverse("import_act", args=[record.pk]), act)
    shown = editor_client.get(page).content.decode()
    assert "does not say which encoding" not in shown
    assert "Read as Turkish (Windows-1254):" in shown
    assert "<code>Şarlo</code>" in shown


def test_a_postcode_that_goes_to_a_number_is_warned_of(editor_client, workspace):
    CustomField.objects.create(workspace=workspace, key="zip", label="zip", type="number")
    editor_client.post(reverse("import_new"), {"text": "email,zip\na@example.com,01067\n"})
    page = reverse("import_page", args=[Import.objects.get().pk])
    assert "zeros in front are lost" in editor_client.get(page).content.decode()


def test_a_whole_row_that_is_refused_is_called_so(editor_client, workspace, weekly):
    text = "email,city\na@example.com,Solo,too,many\nb@example.com,Bogor\n"
    editor_client.post(reverse("import_new"), {"text": text})
    record = Import.objects.get()
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    assert steps.start_check(record)
    assert run.check(record.pk)
    shown = editor_client.get(reverse("import_page", args=[record.pk])).content.decode()
    assert "Whole row" in shown
    assert "Leave out" not in shown


def test_rows_that_were_corrected_come_with_their_imports_choices(
    editor_client, workspace, weekly, owner
):
    path, size = files.store([b"email,city\nana(at)example.com,Solo\n"])
    record = steps.take_file(workspace, path=path, size=size, filename="fair.csv", actor=owner)
    steps.set_consent(record, steps.Consent(lists=[weekly], tags=["fair"]))
    assert steps.start_run(record)
    assert run.run(record.pk)
    errors = editor_client.get(reverse("import_errors", args=[record.pk]))
    corrected = b"".join(errors.streaming_content).replace(b"ana(at)", b"ana@")
    editor_client.post(
        reverse("import_new"), {"file": SimpleUploadedFile("to correct.csv", corrected)}
    )
    again = Import.objects.first()
    page = reverse("import_page", args=[again.pk])
    assert "Rows of fair.csv, corrected" in editor_client.get(page).content.decode()
    shown = editor_client.get(f"{page}?step=consent").content.decode()
    assert f'<option value="{weekly.pk}" selected>' in shown
    assert 'value="fair"' in shown
