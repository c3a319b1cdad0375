"""Forms in other sites: origins, JSON, frames, and what may lead where."""

import html
import json

import pytest
from django.core import mail

from accounts.background import waking
from subscribers.models import CustomField, SignupRequest
from subscribers.signup import guard, origins
from tests.delivery.public.everything import snapshot
from tests.subscribers.signup.signing import make_form, opened, proven, send, statuses

SITE = "https://kopisenja.example"
OTHER = "https://evil.example"
JSON = {"accept": "application/json"}


@pytest.fixture
def closed_form(form):
    form.origins = [SITE]
    form.save()
    return form


def post(client, form, data=None, *, origin=SITE, **headers):
    sent = {"email": "ana@example.org", "agree": True, "token": guard.embed_token(form)}
    return client.post(
        f"/s/{form.public_id}/",
        json.dumps(sent | (data or {})),
        content_type="application/json",
        headers=JSON | {"origin": origin} | headers,
    )


def test_a_script_gets_json_and_a_single_row(client, form):
    answer = post(client, form, {"proof": proven(form)})
    assert (answer.status_code, answer.json()["ok"], answer.json()["confirm_by_mail"]) == (
        200,
        True,
        True,
    )
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert not answer.cookies
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}


def test_everybody_gets_the_same_json(client, workspace, weekly, form):
    from subscribers.addresses import addresses
    from subscribers.consent import lifecycle, suppression
    from subscribers.people import people
    from subscribers.states import ConsentSource, SuppressionReason

    person, _ = people.add(workspace, address=addresses.normalise("in@example.org"))
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.IMPORT)
    suppression.suppress(workspace, email="no@example.org", reason=SuppressionReason.COMPLAINED)
    answers = {
        (answer.status_code, answer.content)
        for answer in (
            post(client, form, {"email": email})
            for email in ("new@example.org", "in@example.org", "no@example.org")
        )
    }
    assert len(answers) == 1


def test_the_request_asks_the_same_of_the_database_whoever_it_is(
    client, workspace, weekly, form, monkeypatch
):
    """Practically the same time: the same queries, and the work is done elsewhere."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from subscribers.addresses import addresses
    from subscribers.consent import lifecycle, suppression
    from subscribers.people import people
    from subscribers.states import ConsentSource, SuppressionReason

    monkeypatch.setattr(waking, "wake", lambda *_: None)
    person, _ = people.add(workspace, address=addresses.normalise("in@example.org"))
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.IMPORT)
    suppression.suppress(workspace, email="no@example.org", reason=SuppressionReason.COMPLAINED)
    asked = set()
    for email in ("new@example.org", "in@example.org", "no@example.org"):
        with CaptureQueriesContext(connection) as queries:
            post(client, form, {"email": email})
        asked.add(tuple(one["sql"].partition(" VALUES")[0] for one in queries))
    assert len(asked) == 1
    assert SignupRequest.objects.count() == 3


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"email": "nobody"}, "email", "No @"),
        ({"agree": False}, "agree", "Tick this box"),
        ({"email": "a@example.org\r\nBcc: b@example.org"}, "email", "More than one @"),
        ({"first_name": "Ana\nBcc: b@example.org"}, "first_name", "one line"),
        ({"city": ""}, "", ""),
    ],
)
def test_json_says_what_is_wrong_by_field(client, form, data, field, words):
    before = snapshot()
    answer = post(client, form, data)
    if not field:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert words in answer.json()["errors"][field][0]
    assert snapshot() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 400),
        ("{", 400),
        ('{"email": {"a": 1}}', 400),
        ('{"email": null}', 400),
        ("[" * 20_000, 400),
        ('{"email": "' + "a" * 70_000 + '"}', 413),
    ],
)
def test_what_cannot_be_read_changes_nothing(client, form, body, status):
    before = snapshot()
    answer = client.post(
        f"/s/{form.public_id}/", body, content_type="application/json", headers=JSON
    )
    assert answer.status_code == status
    assert snapshot() == before


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{SITE}.evil.example", "http://kopisenja.example"]
)
def test_sites_that_are_not_named_are_refused(client, closed_form, origin):
    before = snapshot()
    answer = post(client, closed_form, origin=origin)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer
    assert snapshot() == before


def test_named_sites_and_our_own_page_are_let_in(client, closed_form):
    answer = post(client, closed_form)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, SITE)
    assert "Origin" in answer["Vary"]
    own = client.post(
        f"/s/{closed_form.public_id}/",
        {"email": "budi@example.org", "agree": "on", "token": opened(closed_form)},
        headers={"origin": "null"},
    )
    assert own.status_code == 303


def test_a_script_may_ask_first(client, closed_form):
    path = f"/s/{closed_form.public_id}/"
    assert client.options(path, headers={"origin": SITE})["Access-Control-Allow-Origin"] == SITE
    assert "Access-Control-Allow-Origin" not in client.options(path, headers={"origin": OTHER})
    challenge = client.get(f"{path}challenge/", headers={"origin": SITE})
    assert challenge["Access-Control-Allow-Origin"] == SITE
    assert challenge.json()["parameters"]["algorithm"] == "SHA-256"


def test_only_named_sites_may_frame_it(client, closed_form, form):
    framed = client.get(f"/s/{closed_form.public_id}/frame/")
    assert f"frame-ancestors 'self' {SITE}" in framed["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed
    hosted = client.get(f"/s/{closed_form.public_id}/")
    assert "frame-ancestors 'self'" in hosted["Content-Security-Policy"]
    assert SITE not in hosted["Content-Security-Policy"]
    assert hosted["X-Frame-Options"] == "SAMEORIGIN"


def test_the_script_for_other_sites_stays_where_it_is(client):
    answer = client.get("/embed/1/form.js")
    assert answer.status_code == 302
    assert "/static/dist/embed" in answer["Location"]
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_a_page_to_lead_to_is_checked_again_when_it_is_used(client, workspace, form):
    workspace.website = SITE
    workspace.save()
    form.signed_up_url = f"{SITE}/thanks?x=1"
    form.save()
    answer = send(form)
    assert (answer.status_code, answer["Location"]) == (303, form.signed_up_url)
    page = client.get(f"/s/{form.public_id}/")
    assert f"form-action 'self' {SITE}" in page["Content-Security-Policy"]
    workspace.website = "https://other.example"
    workspace.save()
    assert send(form, "budi@example.org")["Location"] == f"/s/{form.public_id}/done/"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        (f"{SITE}/thanks", True),
        ("https://www.kopisenja.example/", True),
        (f"{SITE}.evil.example/", False),
        (f"{SITE}@evil.example/", False),
        ("https://evil.example/#kopisenja.example", False),
        ("http://kopisenja.example/", False),
        ("//kopisenja.example/", False),
        ("javascript:alert(1)//kopisenja.example", False),
        (f"{SITE}\\@evil.example", False),
        ("https://evil.example\\.kopisenja.example/", False),
        (" https://kopisenja.example/", False),
        ("https://kopisenja.example:99999/", False),
        ("", False),
    ],
)
def test_a_form_leads_only_to_its_own_sites(workspace, form, url, may):
    form.workspace.website = SITE
    assert origins.may_lead_to(form, url) is may


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("example.org", "https://example.org"),
        ("https://Example.org/", "https://example.org"),
        ("https://kopi.example:8443", "https://kopi.example:8443"),
        ("https://kaffee-münchen.example", "https://xn--kaffee-mnchen-3ob.example"),
        ("http://localhost:4000", "http://localhost:4000"),
        ("http://example.org", None),
        ("https://example.org/path", None),
        ("https://user@example.org", None),
        ("https://*.example.org", None),
        ("https://exa mple.org", None),
        ("'self'; script-src *", None),
        ("javascript:alert(1)", None),
    ],
)
def test_sites_are_read_as_people_write_them(text, origin):
    if origin:
        assert origins.read_origin(text) == origin
    else:
        with pytest.raises(ValueError, match=r"no site|must begin"):
            origins.read_origin(text)


def test_the_snippet_asks_for_everything_that_the_form_asks(editor_client, workspace, form):
    city = CustomField.objects.create(
        workspace=workspace, key="city", label='City"><script>alert(1)</script>'
    )
    roast = CustomField.objects.create(
        workspace=workspace, key="roast", label="Roast", type="choice", choices=["Light", "Dark"]
    )
    form.asked.create(field=city, position=2, is_required=True, help_text="Where you live")
    form.asked.create(field=roast, position=1, label="Your roast")
    page = editor_client.get(f"/forms/{form.pk}/embed/").text
    snippet = page[page.index("data-warta-form") :]
    assert "<script>alert" not in page
    for part in ("field_city", "field_roast", "Your roast", "Where you live", "Light", "required"):
        assert part in snippet
    assert snippet.index("field_roast") < snippet.index("field_city")


def test_fields_of_a_form_are_required_there_alone(client, workspace, form):
    city = CustomField.objects.create(workspace=workspace, key="city", label="City")
    form.asked.create(field=city, is_required=True, label="Your town")
    answer = post(client, form)
    assert answer.status_code == 422
    assert "city" in answer.json()["errors"]
    assert post(client, form, {"field_city": "Bandung"}).status_code == 200


def test_visitors_choose_among_lists_and_get_no_others(client, workspace, weekly, other_workspace):
    from subscribers.models import MailingList

    offers = MailingList.objects.create(workspace=workspace, name="Offers")
    staff = MailingList.objects.create(workspace=workspace, name="Staff")
    form = make_form(workspace, weekly, offers, lets_choose=True)
    assert post(client, form, {"list": [staff.pk]}).status_code == 422
    assert post(client, form).status_code == 422
    assert post(client, form, {"list": [offers.pk]}).status_code == 200
    assert statuses("ana@example.org") == {"Offers": "unconfirmed"}


def test_a_sentence_takes_the_place_of_the_box(client, form):
    form.consent = "sentence"
    form.save()
    page = client.get(f"/s/{form.public_id}/").text
    assert form.statement.text in page
    assert 'name="agree"' not in page
    assert post(client, form, {"agree": False}).status_code == 200
    assert mail.outbox


def test_what_is_put_into_another_site_speaks_the_forms_language(form, editor_client):
    type(form).objects.filter(pk=form.pk).update(language="id")
    page = html.unescape(editor_client.get(f"/forms/{form.pk}/embed/").text)
    assert f'data-form="{form.public_id}" data-title="Daftar"></script>' in page
    assert 'frame/" title="Daftar" width' in page
