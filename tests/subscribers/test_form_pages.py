"""Marketers make sign-up forms."""

import pytest

from subscribers import signup_guard
from subscribers.models import ConsentStatement, MailingList, SignupForm
from tests.subscribers.signups.signing import make_form


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def settings_of(weekly, **changed):
    return {
        "name": "Web site",
        "title": "Kabar kopi",
        "introduction": "",
        "lists": [weekly.pk],
        "ask_name": "on",
        "consent": "checkbox",
        "protection": "normal",
        "statement_text": "I want these letters.",
        "language": "",
        "is_active": "on",
        **changed,
    }


def test_a_form_is_made_and_every_wording_is_kept(editor_client, workspace, weekly):
    answer = editor_client.post("/forms/new/", settings_of(weekly))
    form = SignupForm.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/forms/{form.pk}/")
    assert (form.workspace, list(form.lists.all())) == (workspace, [weekly])
    assert f"/s/{form.public_id}/" in editor_client.get(f"/forms/{form.pk}/").text
    assert signup_guard.embed_token(form) in editor_client.get(f"/forms/{form.pk}/embed/").text
    editor_client.post(f"/forms/{form.pk}/", settings_of(weekly, statement_text="New words."))
    form.refresh_from_db()
    assert form.statement.text == "New words."
    assert set(ConsentStatement.objects.values_list("text", flat=True)) == {
        "I want these letters.",
        "New words.",
    }


def test_lists_of_another_workspace_cannot_be_taken(editor_client, other_workspace, weekly):
    foreign = MailingList.objects.create(workspace=other_workspace, name="Teh")
    answer = editor_client.post("/forms/new/", settings_of(foreign))
    assert answer.status_code == 422
    assert not SignupForm.objects.exists()


def test_who_may_not_edit_sees_the_list_only(analyst_client, outsider_client, workspace, weekly):
    form = make_form(workspace, weekly)
    assert analyst_client.get("/forms/").status_code == 200
    assert analyst_client.get(f"/forms/{form.pk}/").status_code == 403
    assert analyst_client.post("/forms/new/", settings_of(weekly)).status_code == 403
    assert outsider_client.get(f"/forms/{form.pk}/").status_code == 404
    assert form.name not in outsider_client.get("/forms/").text


def test_the_list_asks_the_same_number_of_questions(
    editor_client, workspace, weekly, django_assert_num_queries
):
    make_form(workspace, weekly)
    editor_client.get("/forms/")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        editor_client.get("/forms/")
    for _number in range(2):
        make_form(workspace, weekly)
    with django_assert_num_queries(len(one)):
        editor_client.get("/forms/")
