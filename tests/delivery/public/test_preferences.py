"""The preference centre and one's own data: this person's alone."""

import json
from zoneinfo import ZoneInfo

import pytest

from delivery.mime.tokens import Purpose
from delivery.models import EventTally
from delivery.states import EventKind
from subscribers.consent import ownership
from subscribers.models import ConsentEvent, CustomField, MailingList, Subscriber, Suppression
from tests.delivery import makers
from tests.delivery.public.everything import snapshot
from tests.delivery.public.test_unsubscribe import statuses


@pytest.fixture
def address(letter):
    """The owner's own: mailed to the address a moment ago."""
    return f"/p/{ownership.link_token(letter.person, message_id=letter.message.pk)}/"


def profile(**changed):
    return {"do": "save", "first_name": "Ana", "last_name": "", "language": "en", **changed}


def test_ticked_lists_are_joined_and_the_others_left(client, workspace, letter, address):
    news = makers.make_list(workspace, "Festival")
    hidden = makers.make_list(workspace, "Staff", visibility=MailingList.Visibility.PRIVATE)
    answer = client.post(address, {**profile(), "list": [news.pk, letter.offers.pk, hidden.pk]})
    assert (answer.status_code, answer["Location"]) == (303, f"{address}?news=saved")
    assert statuses(letter.person) == {
        "Kopi Senja Weekly": "unsubscribed",
        "Offers": "subscribed",
        "Festival": "subscribed",
    }
    tally = EventTally.objects.get(campaign=letter.campaign, kind=EventKind.UNSUBSCRIBED)
    assert (tally.total, tally.unique) == (1, 1)


def test_name_language_and_the_fields_that_are_theirs_to_change(client, workspace, letter, address):
    for key, shown in (("city", "editable"), ("tier", "shown"), ("score", "hidden")):
        CustomField.objects.create(
            workspace=workspace, key=key, label=key.title(), show_in_preferences=shown
        )
    Subscriber.objects.filter(pk=letter.person.pk).update(fields={"score": "7", "tier": "Gold"})
    page = client.get(address).text
    assert ("City" in page, "Gold" in page, "Score" in page) == (True, True, False)
    answer = client.post(
        address,
        {
            **profile(first_name="Anastasia", language="id"),
            "list": [letter.weekly.pk],
            "field_city": "Bandung",
            "field_tier": "Platinum",
            "field_score": "99",
        },
    )
    assert answer.status_code == 303
    person = Subscriber.objects.get(pk=letter.person.pk)
    assert (person.first_name, person.language, person.fields) == (
        "Anastasia",
        "id",
        {"score": "7", "tier": "Gold", "city": "Bandung"},
    )


def test_a_shown_value_that_fits_no_more_stops_nobody(client, workspace, letter, address):
    CustomField.objects.create(
        workspace=workspace,
        key="tier",
        label="Tier",
        type="choice",
        choices=["Gold"],
        show_in_preferences="shown",
        is_required=True,
    )
    Subscriber.objects.filter(pk=letter.person.pk).update(fields={"tier": "Bronze"})
    assert client.post(address, {**profile(first_name="Anna"), "list": []}).status_code == 303
    person = Subscriber.objects.get(pk=letter.person.pk)
    assert (person.first_name, person.fields) == ("Anna", {"tier": "Bronze"})


def test_a_name_with_a_line_break_is_refused_and_nothing_is_lost(client, letter, address):
    before = snapshot()
    answer = client.post(address, {**profile(first_name="Ana\r\nBcc: x@example.org"), "list": []})
    assert answer.status_code == 422
    assert "A name stands on one line." in answer.text
    assert snapshot() == before


def test_all_mail_and_back_again(client, letter, address):
    client.post(address, {"do": "all"})
    assert Suppression.objects.count() == 1
    client.post(address, {**profile(), "list": [letter.weekly.pk]})
    assert statuses(letter.person)["Kopi Senja Weekly"] == "subscribed"
    assert not Suppression.objects.exists()


def test_it_changes_nobody_else_and_no_other_workspace(client, other_workspace, letter, address):
    foreign = makers.make_list(other_workspace, "Teh")
    twin = makers.make_subscriber(other_workspace, "ana@example.org", foreign)
    client.post(address, {**profile(first_name="X"), "list": [foreign.pk]})
    assert statuses(twin) == {"Teh": "subscribed"}
    assert Subscriber.objects.get(pk=twin.pk).first_name == ""
    assert "Teh" not in statuses(letter.person)


def test_what_we_know(client, letter, address):
    page = client.get(f"{address}data/")
    assert page.status_code == 200
    assert "ana@example.org" in page.text
    data = json.loads(client.get(f"{address}data.json").content)
    assert data["profile"]["email"] == "ana@example.org"
    assert {one["list"] for one in data["lists"]} == {"Kopi Senja Weekly", "Offers"}
    assert len(data["consent"]) == 2


@pytest.mark.parametrize(
    ("own", "zone"),
    [("", "Asia/Jakarta"), ("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Base", "Asia/Jakarta")],
)
def test_what_we_know_is_told_by_the_persons_clock_else_the_workspaces(
    client, letter, address, own, zone
):
    Subscriber.objects.filter(pk=letter.person.pk).update(time_zone=own)
    page = client.get(f"{address}data/").text
    assert f"Times are shown in {zone} time." in page
    for event in ConsentEvent.objects.filter(subscriber=letter.person):
        assert f"{event.at.astimezone(ZoneInfo(zone)):%H:%M} ·" in page


def test_the_web_version_is_the_persons_own_and_can_run_nothing(client, letter):
    answer = client.get(f"/v/{letter.token(Purpose.VIEW)}/")
    assert answer.status_code == 200
    assert "Halo Ana" in answer.text
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert client.get(f"/v/{letter.token(Purpose.TRACK)}/").status_code == 404


def test_looking_changes_nothing(client, letter, address):
    view = f"/v/{letter.token(Purpose.VIEW)}/"
    before = snapshot()
    for path in (address, f"{address}data/", f"{address}data.json", view):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
    assert snapshot() == before


def test_a_taken_value_is_named_by_its_field_and_not_by_whose_it_is(
    client, workspace, letter, address
):
    CustomField.objects.create(
        workspace=workspace,
        key="code",
        label="Customer number",
        type="text",
        is_unique=True,
        show_in_preferences="editable",
    )
    makers.make_subscriber(workspace, "other@example.org", fields={"code": "K-1"})
    answer = client.post(address, {**profile(first_name="Anne"), "field_code": "k-1"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "write to us" in page
    assert "omebody" not in page
    assert not Subscriber.objects.filter(first_name="Anne").exists()
