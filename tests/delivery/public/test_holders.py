"""What a forwarded letter is good for, and what takes the owner of the address."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.core import mail, signing
from django.utils import timezone

from accounts.background import waking
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from subscribers.addresses import addresses
from subscribers.consent import ownership
from subscribers.models import CustomField, Subscriber, Suppression
from subscribers.people import people
from subscribers.states import ConsentSource, Frequency
from tests.delivery import makers
from tests.delivery.public.everything import snapshot
from tests.delivery.public.test_unsubscribe import statuses


@pytest.fixture(autouse=True)
def _mails_at_once(monkeypatch):
    import config.celery  # noqa: F401 - its tasks know of commits

    monkeypatch.setattr(waking, "wake", lambda task, *args: task(*args))


@pytest.fixture
def forwarded(letter):
    """The preferences link of a letter, in whoever's hands."""
    return f"/p/{letter.token(Purpose.PREFERENCES)}/"


def owner(letter, **options):
    return f"/p/{ownership.link_token(letter.person, **options)}/"


def secret_things(workspace, letter):
    CustomField.objects.create(
        workspace=workspace, key="city", label="City", show_in_preferences="editable"
    )
    Subscriber.objects.filter(pk=letter.person.pk).update(
        last_name="Lestari", fields={"city": "Cimahi"}
    )
    return ("ana@example.org", "Lestari", "Cimahi", "127.0.0.1")


def test_a_forwarded_letter_shows_nothing_personal(client, workspace, letter, forwarded):
    secrets = secret_things(workspace, letter)
    unsubscribe = f"/u/{letter.token(Purpose.UNSUBSCRIBE)}/"
    for path in (forwarded, f"{forwarded}data/", f"{forwarded}data.json", unsubscribe):
        page = client.get(path).text
        assert not [secret for secret in secrets if secret in page], path
    client.post(unsubscribe, {"do": "leave"})
    page = client.get(unsubscribe).text
    assert not [secret for secret in secrets if secret in page]
    assert "a•••@example.org" in page


def test_a_forwarded_letter_makes_mail_less_and_nothing_more(client, workspace, letter, forwarded):
    festival = makers.make_list(workspace, "Festival")
    client.post(
        forwarded,
        {
            "do": "save",
            "list": [letter.offers.pk, festival.pk],
            "first_name": "Mallory",
            "language": "id",
            "field_city": "Elsewhere",
            "frequency": "7",
            "pause": "3",
        },
    )
    person = Subscriber.objects.get(pk=letter.person.pk)
    assert statuses(person) == {"Kopi Senja Weekly": "unsubscribed", "Offers": "subscribed"}
    assert (person.first_name, person.language, person.fields) == ("Ana", "en", {})
    assert person.frequency == Frequency.WEEKLY
    assert timedelta(days=89) < person.paused_until - timezone.now() < timedelta(days=91)
    client.post(
        forwarded,
        {"do": "save", "list": [letter.weekly.pk], "frequency": "0", "pause": "0"},
    )
    after = Subscriber.objects.get(pk=letter.person.pk)
    assert (after.frequency, after.paused_until) == (person.frequency, person.paused_until)
    assert statuses(after)["Kopi Senja Weekly"] == "unsubscribed"
    client.post(forwarded, {"do": "save", "pause": "1"})
    assert Subscriber.objects.get(pk=letter.person.pk).paused_until == person.paused_until


def test_a_forwarded_letter_brings_nobody_back_from_no_mail(client, letter, forwarded):
    client.post(forwarded, {"do": "all"})
    client.post(forwarded, {"do": "save", "list": [letter.weekly.pk]})
    assert Suppression.objects.count() == 1
    assert set(statuses(letter.person).values()) == {"unsubscribed"}


def test_no_mail_by_a_letter_leads_to_its_page_with_undo(client, letter, forwarded):
    answer = client.post(forwarded, {"do": "all"})
    page = f"/u/{letter.token(Purpose.UNSUBSCRIBE)}/"
    assert answer["Location"] == page
    assert 'value="undo"' in client.get(page).text
    client.post(page, {"do": "undo"})
    assert statuses(letter.person)["Kopi Senja Weekly"] == "subscribed"
    assert not Suppression.objects.exists()


def test_what_the_owner_stopped_no_letter_undoes(client, letter):
    client.post(owner(letter), {"do": "all"})
    client.post(f"/u/{letter.token(Purpose.UNSUBSCRIBE)}/", {"do": "undo"})
    assert Suppression.objects.count() == 1


def test_private_lists_are_shown_to_the_owner_alone(client, workspace, letter, forwarded):
    staff = makers.make_list(workspace, "Staff", visibility="private")
    from subscribers.consent import lifecycle

    lifecycle.subscribe(letter.person, mailing_list=staff, source=ConsentSource.MANUAL)
    assert "Staff" not in client.get(forwarded).text
    client.post(forwarded, {"do": "save"})
    assert statuses(letter.person)["Staff"] == "subscribed"
    assert "Staff" in client.get(owner(letter)).text


def test_the_owner_gets_a_link_by_mail_and_everything_by_it(client, workspace, letter, forwarded):
    secret_things(workspace, letter)
    answer = client.post(forwarded, {"do": "link"})
    assert answer["Location"] == f"{forwarded}?news=link"
    (sent,) = mail.outbox
    assert sent.to == ["ana@example.org"]
    link = re.search(r"/p/\S+/", sent.body)[0]
    page = client.get(link).text
    assert "ana@example.org" in page
    assert "Cimahi" in page
    assert client.get(f"{link}data.json").json()["profile"]["last_name"] == "Lestari"
    client.post(
        link,
        {
            "do": "save",
            "list": [letter.weekly.pk],
            "first_name": "Ana",
            "frequency": "30",
            "pause": "6",
        },
    )
    person = Subscriber.objects.get(pk=letter.person.pk)
    assert person.frequency == Frequency.MONTHLY
    client.post(link, {"do": "save", "frequency": "0", "pause": "0"})
    person.refresh_from_db()
    assert (person.frequency, person.paused_until) == (Frequency.ALL, None)


def test_an_hour_later_the_owners_link_is_worth_a_letters(client, workspace, letter):
    link = owner(letter, message_id=letter.message.pk)
    secrets = secret_things(workspace, letter)
    with time_machine.travel(time.time() + ownership.GOOD_FOR + 5):
        page = client.get(link)
        assert "Send me a link" in page.text
        assert not [secret for secret in secrets if secret in page.text]
        assert client.get(f"{link}data/").status_code == 403
        assert client.get(f"{link}data.json").status_code == 404
        client.post(link, {"do": "save", "first_name": "Mallory", "list": []})
    person = Subscriber.objects.get(pk=letter.person.pk)
    assert person.first_name == "Ana"
    assert set(statuses(person).values()) == {"unsubscribed"}


def test_links_are_mailed_three_times_an_hour_and_nobody_is_told(client, letter, forwarded):
    answers = {client.post(forwarded, {"do": "link"})["Location"] for _press in range(6)}
    assert len(answers) == 1
    assert len(mail.outbox) == ownership.LINKS.most


def test_a_link_mailed_to_an_old_address_opens_nothing(client, letter):
    link = owner(letter)
    people.change_address(
        Subscriber.objects.get(pk=letter.person.pk),
        address=addresses.normalise("new@example.org"),
        source=ConsentSource.MANUAL,
    )
    before = snapshot()
    for path in (link, f"{link}data/", f"{link}data.json"):
        page = client.get(path)
        assert page.status_code in {404, 410}
        assert "example.org" not in page.text
    client.post(link, {"do": "all"})
    assert snapshot() == before


def test_tokens_of_other_purposes_people_and_workspaces(client, other_workspace, letter):
    other = makers.make_list(other_workspace, "Teh")
    stranger = makers.make_subscriber(other_workspace, "dewi@example.org", other)
    good = ownership.link_token(letter.person)
    claim = signing.loads(good, salt=ownership.SALT)
    bad = [
        *(letter.token(purpose) for purpose in set(Purpose) - {Purpose.PREFERENCES}),
        signing.dumps(claim, salt="subscribers.signup.confirm"),
        signing.dumps(claim),
        good[:-3] + ("aaa" if good[-3:] != "aaa" else "bbb"),
        tokens.make(letter.message.pk + 1, Purpose.PREFERENCES)[:8] + "A" * 14,
        "x",
        ":",
        "::::",
    ]
    before = snapshot()
    for token in bad:
        for path in ("", "data/", "data.json"):
            assert client.get(f"/p/{token}/{path}").status_code == 404, token
        for action in ("all", "save", "link"):
            assert client.post(f"/p/{token}/", {"do": action}).status_code == 404, token
    moved = signing.dumps({**claim, "w": other_workspace.pk}, salt=ownership.SALT)
    swap = {**claim, "s": stranger.pk, "w": other_workspace.pk}
    swapped = signing.dumps(swap, salt=ownership.SALT)
    for token in (moved, swapped):
        assert client.get(f"/p/{token}/").status_code == 410
        client.post(f"/p/{token}/", {"do": "all"})
    for path in ("u", "v", "o"):
        assert client.post(f"/{path}/{good}/", {"do": "leave"}).status_code in {404, 405}
    assert snapshot() == before
    assert mail.outbox == []


def test_an_owners_link_counts_for_its_own_letter_only(client, other_workspace, letter):
    """A message of somebody else in the claim is ignored."""
    other = makers.make_list(other_workspace, "Teh")
    stranger = makers.make_subscriber(other_workspace, "dewi@example.org", other)
    message = makers.make_message(makers.make_sent_campaign(other_workspace, other), stranger)
    client.post(owner(letter, message_id=message.pk), {"do": "all"})
    message.refresh_from_db()
    assert message.unsubscribed_at is None
    assert statuses(stranger) == {"Teh": "subscribed"}
    assert set(statuses(letter.person).values()) == {"unsubscribed"}


@pytest.mark.parametrize("body", [{}, {"do": ""}, {"do": "x"}, {"list": "1"}])
def test_a_post_that_presses_no_button_changes_nothing(client, letter, forwarded, body):
    before = snapshot()
    for path in (forwarded, owner(letter)):
        assert client.post(path, body).status_code == 400
    assert snapshot() == before


def test_undo_is_for_slips(client, letter):
    address = f"/u/{letter.token(Purpose.UNSUBSCRIBE)}/"
    client.post(address, {"do": "leave"})
    with time_machine.travel(time.time() + 90_000):
        assert client.post(address, {"do": "undo"})["Location"] == f"{address}?news=late"
    assert statuses(letter.person)["Kopi Senja Weekly"] == "unsubscribed"
    client.post(address, {"do": "undo"})
    assert statuses(letter.person)["Kopi Senja Weekly"] == "subscribed"
