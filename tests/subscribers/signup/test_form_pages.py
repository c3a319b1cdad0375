"""Marketers make sign-up forms."""

import pytest

from subscribers.models import ConsentStatement, CustomField, MailingList, SignupForm
from subscribers.signup import guard
from tests.subscribers.signup.signing import make_form


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
    assert (answer.status_code, answer["Location"]) == (302, f"/kopi-senja/forms/{form.pk}/")
    assert (form.workspace, list(form.lists.all())) == (workspace, [weekly])
    assert f"/s/{form.public_id}/" in editor_client.get(f"/forms/{form.pk}/").text
    assert guard.embed_token(form) in editor_client.get(f"/forms/{form.pk}/embed/").text
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


def test_fields_lists_sites_and_pages_of_a_form(editor_client, workspace, weekly):
    workspace.website = "https://kopisenja.example"
    workspace.save()
    city, roast = (
        CustomField.objects.create(workspace=workspace, key=key, label=key.title())
        for key in ("city", "roast")
    )
    answer = editor_client.post(
        "/forms/new/",
        settings_of(
            weekly,
            lets_choose="on",
            origins_text="shop.example\nhttps://kopisenja.example/",
            signed_up_url="https://kopisenja.example/thanks",
            **{
                f"ask_{city.pk}": "on",
                f"position_{city.pk}": "2",
                f"required_{city.pk}": "on",
                f"ask_{roast.pk}": "on",
                f"position_{roast.pk}": "1",
                f"label_{roast.pk}": "Your roast",
                f"help_{roast.pk}": "Light or dark",
            },
        ),
    )
    assert answer.status_code == 302
    form = SignupForm.objects.get()
    assert form.origins == ["https://shop.example", "https://kopisenja.example"]
    assert [(one.field.key, one.label, one.is_required) for one in form.asked.all()] == [
        ("roast", "Your roast", False),
        ("city", "", True),
    ]
    editor_client.post(f"/forms/{form.pk}/", settings_of(weekly, **{f"ask_{city.pk}": "on"}))
    assert [one.field.key for one in form.asked.all()] == ["city"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"signed_up_url": "https://evil.example/"}, "lead to a site of yours"),
        ({"confirmed_url": "http://kopisenja.example/"}, "lead to a site of yours"),
        ({"origins_text": "https://shop.example/path"}, "without a path"),
        ({"origins_text": "http://shop.example"}, "must begin with https://"),
    ],
)
def test_sites_that_cannot_be_are_refused_and_nothing_is_lost(
    editor_client, workspace, weekly, changed, words
):
    workspace.website = "https://kopisenja.example"
    workspace.save()
    answer = editor_client.post("/forms/new/", settings_of(weekly, **changed))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Kabar kopi"' in answer.text
    assert not SignupForm.objects.exists()


def test_wordings_are_shown_with_since_when(editor_client, weekly):
    editor_client.post("/forms/new/", settings_of(weekly))
    form = SignupForm.objects.get()
    for text in ("New words.", "New words.", "Newest words."):
        editor_client.post(f"/forms/{form.pk}/", settings_of(weekly, statement_text=text))
    page = editor_client.get(f"/forms/{form.pk}/").text
    assert "3 versions so far" in page
    assert page.count("I want these letters.") == 1


def test_the_preview_shows_a_closed_form_and_counts_nothing(editor_client, outsider_client, weekly):
    editor_client.post("/forms/new/", settings_of(weekly, is_active=""))
    form = SignupForm.objects.get()
    assert "Kabar kopi" in editor_client.get(f"/forms/{form.pk}/preview/").text
    assert outsider_client.get(f"/forms/{form.pk}/preview/").status_code == 404
