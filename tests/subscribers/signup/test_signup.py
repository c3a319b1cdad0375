"""Signing up: what strangers type, what they are told, and what becomes of it."""

import re
import time

import pytest
import time_machine
from django.core import mail, signing
from django.core.cache import cache
from django.test import Client

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.models import (
    ConsentEvent,
    CustomField,
    MailingList,
    SignupForm,
    Subscriber,
    Suppression,
)
from subscribers.people import people
from subscribers.privacy import erasure
from subscribers.signup import guard, signup
from subscribers.states import ConsentKind, ConsentSource, SuppressionReason
from tests.delivery.public.everything import snapshot
from tests.subscribers.signup.signing import (
    CONFIRM,
    SINGLE,
    known,
    link_in,
    make_form,
    opened,
    proven,
    send,
    statuses,
)


def test_double_opt_in_from_form_to_confirmation(client, form):
    answer = send(form, first_name="Ana", client=Client(enforce_csrf_checks=True))
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{form.public_id}/done/")
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}
    (letter,) = mail.outbox
    assert letter.to == ["ana@example.org"]
    assert letter.subject == "Please confirm: Weekly"
    link = link_in(letter)
    before = snapshot()
    page = client.get(link)
    assert (page.status_code, "a•••@example.org will get:" in page.text) == (200, True)
    assert "ana@example.org" not in page.text
    client.head(link)
    client.post(link)
    client.post(link, {"do": ""})
    assert snapshot() == before
    assert client.post(link, CONFIRM).status_code == 303
    assert client.post(link, CONFIRM).status_code == 303
    assert statuses("ana@example.org") == {"Weekly": "subscribed"}
    assert "Welcome to <em>Weekly</em>" in client.get(link).text
    events = ConsentEvent.objects.order_by("id").values_list("kind", "source", "ip")
    assert list(events) == [
        (ConsentKind.ASKED, ConsentSource.FORM, "127.0.0.1"),
        (ConsentKind.CONFIRMED, ConsentSource.FORM, "127.0.0.1"),
    ]
    assert {one.statement.text for one in ConsentEvent.objects.all()} == {"I want these letters."}


def test_single_opt_in_subscribes_at_once_with_proof_of_work(client, workspace):
    form = make_form(
        workspace, MailingList.objects.create(workspace=workspace, name="Open", opt_in=SINGLE)
    )
    answer = send(form, proof=proven(form))
    assert "Thank you" in client.get(answer["Location"]).text
    assert statuses("ana@example.org") == {"Open": "subscribed"}
    assert mail.outbox == []


def test_single_opt_in_without_proof_confirms_by_mail(client, workspace):
    form = make_form(
        workspace, MailingList.objects.create(workspace=workspace, name="Open", opt_in=SINGLE)
    )
    answer = send(form)
    assert "Check your inbox" in client.get(answer["Location"]).text
    assert statuses("ana@example.org") == {"Open": "unconfirmed"}
    client.post(link_in(mail.outbox[0]), CONFIRM)
    assert statuses("ana@example.org") == {"Open": "subscribed"}


def test_everybody_sees_the_same_page(client, workspace, weekly, form):
    def person(name):
        return people.add(workspace, address=addresses.normalise(f"{name}@example.org"))[0]

    lifecycle.subscribe(person("subscribed"), mailing_list=weekly, source=ConsentSource.IMPORT)
    lifecycle.ask(person("asked"), mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.subscribe(person("left"), mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(person("left"), lists=[weekly.pk], source=ConsentSource.PREFERENCES)
    lifecycle.unsubscribe_from_all(person("never"), source=ConsentSource.PREFERENCES)
    suppression.suppress(workspace, email="bounced@example.org", reason=SuppressionReason.BOUNCED)
    seen = set()
    for name in ("new", "subscribed", "asked", "left", "never", "bounced"):
        answer = send(form, f"{name}@example.org")
        once = {"Expires", "Content-Security-Policy"}
        headers = frozenset((key, one) for key, one in answer.items() if key not in once)
        page = re.sub(r'nonce="[^"]+"', "", client.get(answer["Location"]).text)
        seen.add((answer.status_code, answer.content, headers, page))
    assert len(seen) == 1
    subjects = {message.to[0].partition("@")[0]: message.subject for message in mail.outbox}
    assert subjects == {
        "new": "Please confirm: Weekly",
        "asked": "Please confirm: Weekly",
        "left": "Please confirm: Weekly",
        "never": "Please confirm: Weekly",
        "subscribed": "You already get Weekly",
    }


def test_who_asked_for_no_mail_comes_back_only_by_confirming(client, workspace):
    open_list = MailingList.objects.create(workspace=workspace, name="Open", opt_in=SINGLE)
    form = make_form(workspace, open_list)
    person, _ = people.add(workspace, address=addresses.normalise("ana@example.org"))
    lifecycle.unsubscribe_from_all(person, source=ConsentSource.PREFERENCES)
    send(form)
    assert statuses("ana@example.org") == {"Open": "unconfirmed"}
    assert Suppression.objects.count() == 1
    client.post(link_in(mail.outbox[0]), CONFIRM)
    assert statuses("ana@example.org") == {"Open": "subscribed"}
    assert Suppression.objects.count() == 0


def test_who_left_an_open_list_comes_back_only_by_confirming(client, workspace):
    open_list = MailingList.objects.create(workspace=workspace, name="Open", opt_in=SINGLE)
    form = make_form(workspace, open_list)
    person, _ = people.add(workspace, address=addresses.normalise("ana@example.org"))
    lifecycle.subscribe(person, mailing_list=open_list, source=ConsentSource.FORM)
    lifecycle.unsubscribe(person, lists=[open_list.pk], source=ConsentSource.ONE_CLICK)
    pages = set()
    for email in ("ana@example.org", "ana@example.org", "new@example.org"):
        answer = send(form, email, proof=proven(form))
        page = re.sub(r'nonce="[^"]+"', "", client.get(answer["Location"]).text)
        pages.add((answer.status_code, answer.content, page))
    assert len(pages) == 1
    assert statuses("ana@example.org") == {"Open": "unconfirmed"}
    assert [message.to for message in mail.outbox] == [["ana@example.org"]] * 2
    client.post(link_in(mail.outbox[0]), CONFIRM)
    assert statuses("ana@example.org") == {"Open": "subscribed"}


def test_who_was_erased_is_not_stored_again_by_a_stranger(workspace, form):
    person, _ = people.add(workspace, address=addresses.normalise("ana@example.org"))
    erasure.erase(workspace, subscriber_id=person.pk)
    suppression.suppress(workspace, email="left@example.org", reason=SuppressionReason.UNSUBSCRIBED)
    before = known()
    assert send(form).status_code == 303
    assert send(form, "left@example.org").status_code == 303
    assert known() == before
    assert mail.outbox == []


def test_the_erased_address_stays_a_hash_when_a_member_adds_it(workspace):
    person, _ = people.add(workspace, address=addresses.normalise("ana@example.org"))
    erasure.erase(workspace, subscriber_id=person.pk)
    people.add(workspace, address=addresses.normalise("ana@example.org"))
    assert Suppression.objects.get().email_key == ""


def test_a_stranger_changes_nothing_about_somebody_known(client, workspace, form):
    city = CustomField.objects.create(workspace=workspace, key="city", label="City")
    form.fields.add(city)
    person, _ = people.add(
        workspace,
        address=addresses.normalise("ana@example.org"),
        profile=people.Profile(first_name="Ana"),
    )
    send(form, first_name="Mallory", field_city="Bandung")
    person.refresh_from_db()
    assert (person.first_name, person.fields) == ("Ana", {})
    client.post(link_in(mail.outbox[0]), CONFIRM)
    person.refresh_from_db()
    assert (person.first_name, person.fields) == ("Ana", {"city": "Bandung"})


def test_the_mail_repeats_no_words_of_the_stranger(form):
    send(form, first_name="Win at evil.example")
    assert "evil" not in mail.outbox[0].body + mail.outbox[0].subject
    assert "evil" not in mail.outbox[0].alternatives[0][0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"first_name": "Ana\r\nBcc: all@example.org"}, "A name stands on one line."),
        ({"email": "ana@example.org\r\nBcc: x@example.org"}, "More than one @ in the address"),
        ({"email": "nobody"}, "No @ in the address"),
        ({"email": ""}, "Write your address"),
        ({"agree": ""}, "Tick this box if you agree"),
    ],
)
def test_what_cannot_be_taken_is_shown_again(form, data, sentence):
    before = snapshot()
    answer = send(form, **{"first_name": "Ana Lestari", **data})
    assert answer.status_code == 422
    assert sentence in answer.text
    if "first_name" not in data:
        assert 'value="Ana Lestari"' in answer.text
    assert snapshot() == before


FOREIGN = "This form was not made for this page"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("other form", FOREIGN),
        ("other embedded form", FOREIGN),
        ("damaged", FOREIGN),
        ("missing", FOREIGN),
        ("old", "open for more than a day"),
        ("fresh", "quicker than people usually type"),
    ],
)
def test_tokens_of_other_forms_and_times(form, other_workspace, kind, sentence):
    other = make_form(
        other_workspace, MailingList.objects.create(workspace=other_workspace, name="Teh")
    )
    token = {
        "other form": opened(other),
        "other embedded form": guard.embed_token(other),
        "damaged": opened(form)[:-3] + "abc",
        "missing": "",
        "old": opened(form, seconds_ago=90_000),
        "fresh": opened(form, seconds_ago=0),
    }[kind]
    before = snapshot()
    answer = send(form, token=token)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="ana@example.org"' in answer.text
    assert snapshot() == before
    assert mail.outbox == []


def test_an_embedded_form_posts_from_anywhere(form):
    strict = Client(enforce_csrf_checks=True)
    answer = send(form, token=guard.embed_token(form), client=strict)
    assert answer.status_code == 303
    assert not answer.cookies
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}


def test_programs_that_fill_every_field_are_thanked_and_ignored(form):
    before = snapshot()
    assert send(form, website="https://spam.example").status_code == 303
    assert snapshot() == before


def test_one_address_gets_few_mails_and_nobody_is_told(form):
    for _attempt in range(6):
        assert send(form).status_code == 303
    assert len(mail.outbox) == 3


def test_one_mailbox_gets_few_mails_however_its_address_is_spelled(form):
    for attempt in range(6):
        assert send(form, f"ana+{attempt}@example.org").status_code == 303
    assert len(mail.outbox) == 3


def test_one_network_signs_up_so_often(form):
    codes = [send(form, f"reader{number}@example.org").status_code for number in range(31)]
    assert codes == [303] * 30 + [429]
    assert Subscriber.objects.count() == 30
    cache.clear()
    assert send(form, "late@example.org").status_code == 303


def test_redis_away_says_so_and_saves_nothing(form, monkeypatch):
    import redis

    def away(*_, **__):
        raise redis.ConnectionError

    monkeypatch.setattr(cache, "add", away)
    before = snapshot()
    assert send(form).status_code == 503
    assert snapshot() == before


def test_a_confirmation_ends_after_thirty_days(client, form):
    send(form)
    link = link_in(mail.outbox[0])
    with time_machine.travel(time.time() + 31 * 86_400):
        page = client.get(link)
        assert (page.status_code, "This link has expired" in page.text) == (410, True)
        assert f"/s/{form.public_id}/" in page.text
        client.post(link, CONFIRM)
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}


def test_a_confirmation_brings_nobody_back_who_left_since(client, weekly, form):
    send(form)
    link = link_in(mail.outbox[0])
    client.post(link, CONFIRM)
    person = Subscriber.objects.get()
    lifecycle.unsubscribe(person, lists=[weekly.pk], source=ConsentSource.PREFERENCES)
    client.post(link, CONFIRM)
    assert statuses("ana@example.org") == {"Weekly": "unsubscribed"}


def test_confirmations_of_other_purposes_and_addresses(client, form):
    send(form)
    person = Subscriber.objects.get()
    token = link_in(mail.outbox[0]).split("/")[2]
    data = signing.loads(token, salt=signup.CONFIRM_SALT)
    for bad in (
        token[:-2] + "xx",
        signing.dumps(data, salt="something.else"),
        guard.token_for(form),
        "x",
    ):
        assert client.post(f"/confirm/{bad}/", CONFIRM).status_code == 404
    people.change_address(
        person, address=addresses.normalise("new@example.org"), source=ConsentSource.MANUAL
    )
    client.post(f"/confirm/{token}/", CONFIRM)
    assert statuses("new@example.org") == {"Weekly": "unconfirmed"}


def test_looking_changes_nothing(client, form):
    before = snapshot()
    for part in ("", "done/", "frame/", "challenge/"):
        path = f"/s/{form.public_id}/{part}"
        answer = client.get(path)
        assert (answer.status_code, bool(answer.cookies)) == (200, False)
        assert client.head(path).status_code == 200
    assert snapshot() == before


def test_closed_and_unknown_forms(client, workspace, weekly, form):
    assert client.get("/s/nothing/").status_code == 404
    SignupForm.objects.update(is_active=False)
    assert client.get(f"/s/{form.public_id}/").status_code == 410
    assert send(form).status_code == 410
    assert not Subscriber.objects.exists()


def test_the_page_speaks_the_forms_language(client, workspace, weekly):
    form = make_form(workspace, weekly, language="id")
    answer = client.get(f"/s/{form.public_id}/", headers={"accept-language": "en"})
    assert '<html lang="id">' in answer.text
    send(form)
    assert Subscriber.objects.get().language == "id"


def test_the_forms_language_wins_over_its_lists(client, workspace, weekly):
    weekly.language = "en"
    weekly.save()
    form = make_form(workspace, weekly, language="id")
    assert '<html lang="id"' in client.get(f"/s/{form.public_id}/").text
    send(form, "ana@example.org")
    assert Subscriber.objects.get().language == "id"


def test_nothing_is_ticked_beforehand_where_people_choose(client, workspace, weekly):
    other = MailingList.objects.create(workspace=workspace, name="Offers")
    form = make_form(workspace, weekly, other, lets_choose=True)
    page = client.get(f"/s/{form.public_id}/").text
    assert page.count('name="list"') == 2
    assert "checked" not in page
