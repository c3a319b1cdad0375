"""Pages of people, lists, fields and suppressions, as members use them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.workspaces.workspace_urls import in_workspace
from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.models import (
    ConsentEvent,
    CustomField,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.people import people
from subscribers.states import ConsentSource, SuppressionReason


def person(workspace, email, **profile):
    found, _new = people.add(
        workspace, address=addresses.normalise(email), profile=people.Profile(**profile)
    )
    return found


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def dewi(workspace, weekly):
    found = person(workspace, "dewi@example.org", first_name="Dewi", last_name="Anggraini")
    lifecycle.subscribe(found, mailing_list=weekly, source=ConsentSource.MANUAL)
    return found


def get(client, name, *args, **query):
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_people_are_found_by_any_part_of_name_or_address(analyst_client, workspace, dewi):
    person(workspace, "budi@example.org", first_name="Budi")
    for text in ("anggra", "DEWI@", "dewi anggraini"):
        page = get(analyst_client, "subscriber_list", q=text)
        assert "dewi@example.org" in page
        assert "budi@example.org" not in page


def test_people_are_narrowed_to_a_list_and_a_status(analyst_client, workspace, dewi, weekly):
    person(workspace, "budi@example.org")
    page = get(analyst_client, "subscriber_list", list=weekly.pk, status="subscribed")
    assert "dewi@example.org" in page
    assert "budi@example.org" not in page
    assert "Nobody matches" in get(analyst_client, "subscriber_list", status="unconfirmed")


def test_pages_are_walked_by_key_in_both_directions(analyst_client, workspace, monkeypatch):
    from subscribers.directory import directory

    monkeypatch.setattr(directory, "PAGE", 2)
    keys = [person(workspace, f"p{number}@example.org").pk for number in range(5)][::-1]
    filters = directory.Filters()
    first = directory.page(workspace, filters)
    second = directory.page(workspace, filters, before=first.older)
    third = directory.page(workspace, filters, before=second.older)
    shown = [p.pk for page in (first, second, third) for p in page.people]
    assert shown == keys
    assert (first.newer, third.older) == (None, None)
    back = directory.page(workspace, filters, after=third.newer)
    assert [p.pk for p in back.people] == [p.pk for p in second.people]


@pytest.mark.parametrize("name", ["subscriber_list", "list_list", "suppression_list", "field_list"])
def test_lists_of_rows_cost_the_same_however_many(editor_client, workspace, weekly, name):
    def fill(number):
        for each in range(number):
            someone = person(workspace, f"p{number}-{each}@example.org")
            lifecycle.subscribe(someone, mailing_list=weekly, source=ConsentSource.MANUAL)
            suppression.suppress(workspace, email=someone.email, reason=SuppressionReason.MANUAL)
            CustomField.objects.create(workspace=workspace, key=f"f{number}{each}", label="F")
            MailingList.objects.create(workspace=workspace, name=f"L{number}{each}")

    counts = []
    for number in (1, 3):
        fill(number)
        editor_client.get(reverse(name))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            editor_client.get(reverse(name))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_persons_page_shows_consent_and_lists(analyst_client, dewi):
    page = get(analyst_client, "subscriber_page", dewi.pk)
    assert "Dewi Anggraini" in page
    assert "Weekly" in page
    assert "Entered by a member" in page


def test_an_analyst_changes_nothing(analyst_client, dewi, weekly):
    posts = (
        ("subscriber_new", (), {"email": "x@example.org"}),
        ("subscriber_edit", (dewi.pk,), {"email": "x@example.org"}),
        ("subscriber_erase", (dewi.pk,), {}),
        ("subscriber_bulk", (), {"people": dewi.pk, "action": "suppress"}),
        ("subscriber_subscription", (dewi.pk,), {"list": weekly.pk, "action": "unsubscribe"}),
        ("list_edit", (weekly.pk,), {"name": "X"}),
        ("list_archive", (weekly.pk,), {}),
    )
    for name, args, data in posts:
        assert analyst_client.post(reverse(name, args=args), data).status_code == 403, name
    analyst_client.post(reverse("suppression_list"), {"addresses": "x@example.org"})
    assert not Suppression.objects.exists()
    assert Subscription.objects.get().status == "subscribed"


def test_a_person_is_added_with_the_member_as_witness(editor_client, editor, weekly):
    editor_client.post(
        reverse("subscriber_new"),
        {"email": " Budi@Example.org ", "first_name": "Budi", "lists": [weekly.pk]},
    )
    assert Subscriber.objects.get().email_key == "budi@example.org"
    event = ConsentEvent.objects.get()
    assert (event.source, event.actor) == ("manual", editor)


@pytest.mark.parametrize(
    ("email", "words"),
    [("budi(at)example.org", "No @"), ("", "required"), ("a b@example.org", "space")],
)
def test_a_wrong_address_is_explained_and_what_was_typed_stays(editor_client, email, words):
    answer = editor_client.post(reverse("subscriber_new"), {"email": email, "first_name": "Budi"})
    page = answer.content.decode()
    assert words in page
    assert 'value="Budi"' in page


def test_a_line_break_in_a_name_is_refused(editor_client):
    data = {"email": "x@example.org", "first_name": "Dewi\r\nBcc: evil@example.org"}
    assert "one line" in editor_client.post(reverse("subscriber_new"), data).content.decode()
    assert not Subscriber.objects.exists()


def test_an_address_that_somebody_has_is_refused(editor_client, workspace, dewi):
    person(workspace, "budi@example.org")
    answer = editor_client.post(
        reverse("subscriber_edit", args=[dewi.pk]), {"email": "BUDI@example.org"}
    )
    assert "Somebody else" in answer.content.decode()
    dewi.refresh_from_db()
    assert dewi.email == "dewi@example.org"


def test_custom_fields_are_kept_by_their_type(editor_client, workspace, dewi):
    CustomField.objects.create(workspace=workspace, key="orders", label="Orders", type="number")
    wrong = editor_client.post(
        reverse("subscriber_edit", args=[dewi.pk]), {"email": dewi.email, "field_orders": "many"}
    )
    assert wrong.status_code == 200
    editor_client.post(
        reverse("subscriber_edit", args=[dewi.pk]), {"email": dewi.email, "field_orders": "12"}
    )
    dewi.refresh_from_db()
    assert dewi.fields == {"orders": 12}


def test_coming_back_by_hand_needs_a_reason(editor_client, dewi, weekly):
    address = reverse("subscriber_subscription", args=[dewi.pk])
    editor_client.post(address, {"list": weekly.pk, "action": "unsubscribe"})
    assert Subscription.objects.get().status == "unsubscribed"
    editor_client.post(address, {"list": weekly.pk, "action": "subscribe"})
    editor_client.post(address, {"list": weekly.pk, "action": "resubscribe", "detail": ""})
    assert Subscription.objects.get().status == "unsubscribed"
    data = {"list": weekly.pk, "action": "resubscribe", "detail": "Asked by phone"}
    editor_client.post(address, data)
    assert Subscription.objects.get().status == "subscribed"
    assert ConsentEvent.objects.latest("id").detail == "Asked by phone"


def test_bulk_actions_stay_inside_the_workspace(editor_client, outsider_client, dewi, weekly):
    data = {"people": [dewi.pk], "action": "unsubscribe", "list": weekly.pk}
    outsider_client.post(reverse("subscriber_bulk"), data)
    assert Subscription.objects.get().status == "subscribed"
    editor_client.post(reverse("subscriber_bulk"), data)
    assert Subscription.objects.get().status == "unsubscribed"


def test_bulk_leads_nowhere_else(editor_client, workspace, dewi):
    data = {"people": [dewi.pk], "action": "suppress", "back": "https://evil.example/"}
    answer = editor_client.post(reverse("subscriber_bulk"), data)
    assert answer["Location"] == in_workspace(workspace, "subscriber_list")


def test_an_erased_person_leaves_a_hash_only(editor_client, dewi):
    assert "Permanently" in get(editor_client, "subscriber_erase", dewi.pk)
    assert Subscriber.objects.exists()
    editor_client.post(reverse("subscriber_erase", args=[dewi.pk]))
    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().email_key == ""


def test_pasted_addresses_are_suppressed_and_mistakes_named(editor_client):
    answer = editor_client.post(
        reverse("suppression_list"),
        {"addresses": "a@example.org, b@example.org\nnonsense a@example.org"},
        follow=True,
    )
    assert sorted(s.email_key for s in Suppression.objects.all()) == [
        "a@example.org",
        "b@example.org",
    ]
    assert "nonsense" in answer.content.decode()


def test_releasing_warns_first(editor_client, workspace):
    suppression.suppress(workspace, email="a@example.org", reason=SuppressionReason.COMPLAINED)
    row = Suppression.objects.get()
    assert "reported your mail as spam" in get(editor_client, "suppression_release", row.pk)
    address = reverse("suppression_release", args=[row.pk])
    assert editor_client.post(address).status_code == 422
    assert Suppression.objects.exists()
    editor_client.post(address, {"sure": "on"})
    assert not Suppression.objects.exists()


def test_a_list_is_made_changed_and_put_away(editor_client, workspace, dewi, weekly):
    fields = {"name": "Kabar", "visibility": "public", "opt_in": "double", "language": "id"}
    editor_client.post(reverse("list_new"), fields)
    assert MailingList.objects.get(name="Kabar").workspace == workspace
    same = editor_client.post(reverse("list_new"), {**fields, "name": " Weekly "})
    assert "Another list has this name" in same.content.decode()
    editor_client.post(reverse("list_archive", args=[weekly.pk]))
    assert "Weekly" not in get(editor_client, "list_list")
    assert "Weekly" in get(editor_client, "list_list", archived=1)
    assert Subscription.objects.get().status == "subscribed"


def test_a_choice_needs_choices(editor_client):
    data = {"label": "Roast", "type": "choice", "choices": ""}
    assert "one a line" in editor_client.post(reverse("field_list"), data).content.decode()
    assert not CustomField.objects.exists()
    editor_client.post(reverse("field_list"), {**data, "choices": "light\ndark\nlight"})
    assert CustomField.objects.get().choices == ["light", "dark"]


def test_who_is_out_of_everything_is_put_on_no_list_and_the_member_hears_of_it(
    editor_client, workspace, weekly
):
    budi = person(workspace, "budi@example.org")
    lifecycle.unsubscribe_from_all(budi, source=ConsentSource.PREFERENCES)
    one = reverse("subscriber_subscription", args=[budi.pk])
    many = reverse("subscriber_bulk")
    for address, data in (
        (one, {"list": weekly.pk, "action": "subscribe"}),
        (
            many,
            {
                "people": [budi.pk],
                "list": weekly.pk,
                "action": "subscribe",
                "detail": "Signed a list",
                "confirmed": "1",
            },
        ),
    ):
        page = editor_client.post(address, data, follow=True).content.decode()
        assert "1 person has unsubscribed from everything" in page
    assert not Subscription.objects.filter(subscriber=budi).exists()


def test_another_address_must_confirm_and_the_member_hears_of_it(editor_client, dewi):
    answer = editor_client.post(
        reverse("subscriber_edit", args=[dewi.pk]), {"email": "new@example.org"}, follow=True
    )
    assert "has not agreed to these lists yet: Weekly" in answer.content.decode()
    assert Subscription.objects.get().status == "unconfirmed"


def test_who_had_left_is_not_confirmed_by_hand_and_the_member_hears_why(
    editor_client, dewi, weekly
):
    lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(dewi, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    lifecycle.ask(dewi, mailing_list=weekly, source=ConsentSource.FORM)
    page = reverse("subscriber_subscription", args=[dewi.pk])
    answer = editor_client.post(page, {"list": weekly.pk, "action": "subscribe"}, follow=True)
    assert "had left these lists and stays off them: Weekly" in answer.text
    assert Subscription.objects.get(subscriber=dewi, list=weekly).status == "unconfirmed"
