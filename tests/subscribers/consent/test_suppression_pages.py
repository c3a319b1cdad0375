"""The suppression list: counts by reason, pages by key, search, adding, and leaving it."""

import pytest

from subscribers.addresses import addresses
from subscribers.consent import suppression
from subscribers.models import Suppression, SuppressionTally
from subscribers.people import people
from subscribers.privacy import erasure
from subscribers.states import SuppressionReason

PAGE = "/suppressions/"


@pytest.fixture
def barred(workspace):
    for number, reason in enumerate(one for one in SuppressionReason if one != "erased"):
        suppression.suppress(workspace, email=f"{reason}{number}@example.com", reason=reason)
    person, _ = people.add(workspace, address=addresses.normalise("dewi@example.com"))
    erasure.erase(workspace, subscriber_id=person.pk)


def test_counts_follow_every_change(workspace, barred):
    def stored():
        rows = SuppressionTally.objects.filter(count__gt=0)
        return dict(rows.values_list("reason", "count"))

    assert suppression.counts(workspace) == dict.fromkeys(map(str, SuppressionReason), 1)
    Suppression.objects.filter(reason="manual").update(reason="bounced")
    Suppression.objects.filter(reason="imported").delete()
    assert stored() == {"bounced": 2, "complained": 1, "unsubscribed": 1, "erased": 1}


def test_a_reason_narrows_the_page(editor_client, barred):
    page = editor_client.get(PAGE, {"reason": "bounced"}).text
    assert "bounced1@example.com" in page
    assert "manual3@example.com" not in page


def test_a_whole_address_finds_an_erased_one(editor_client, barred):
    assert "an erased address" in editor_client.get(PAGE, {"q": "Dewi@example.com"}).text
    assert "Not on the list" in editor_client.get(PAGE, {"q": "nobody@example.com"}).text


def test_beginnings_and_parts_are_found(editor_client, barred):
    for words in ("compl", "plained2@"):
        page = editor_client.get(PAGE, {"q": words}).text
        assert "complained2@example.com" in page
        assert "manual3@example.com" not in page


def test_pages_follow_each_other_by_key(workspace, monkeypatch):
    monkeypatch.setattr(suppression, "ROWS_A_PAGE", 2)
    for number in range(5):
        suppression.suppress(workspace, email=f"a{number}@example.com", reason="manual")
    seen, before = [], None
    while True:
        page = suppression.page(workspace, before=before)
        seen += [row.email_key for row in page.rows]
        before = page.older
        if before is None:
            break
    assert seen == [f"a{number}@example.com" for number in (4, 3, 2, 1, 0)]


def test_the_page_asks_as_often_for_three_as_for_one(
    editor_client, workspace, owner, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    suppression.suppress(workspace, email="a@example.com", reason="manual", actor=owner)
    with CaptureQueriesContext(connection) as one:
        editor_client.get(PAGE)
    for name in ("b", "c"):
        suppression.suppress(workspace, email=f"{name}@example.com", reason="manual", actor=owner)
    with django_assert_num_queries(len(one)):
        editor_client.get(PAGE)


def test_members_add_with_a_reason(editor_client, workspace):
    text = "a@example.com\nB@example.com, nope"
    answer = editor_client.post(PAGE, {"addresses": text, "reason": "bounced", "detail": "list"})
    assert answer.status_code == 302
    rows = Suppression.objects.values_list("email_key", "reason", "detail")
    assert set(rows) == {
        ("a@example.com", "bounced", "list"),
        ("b@example.com", "bounced", "list"),
    }
    refused = editor_client.post(PAGE, {"addresses": "c@example.com", "reason": "erased"})
    assert refused.status_code == 200


@pytest.mark.parametrize(
    ("reason", "words", "is_grave"),
    [
        ("manual", "A member of your team", False),
        ("bounced", "will most likely bounce again", False),
        ("unsubscribed", "no more mail at all", False),
        ("imported", "file of addresses", False),
        ("complained", "reported your mail as spam", True),
        ("erased", "asked to be forgotten", True),
    ],
)
def test_leaving_the_list_warns_by_reason(editor_client, barred, reason, words, is_grave):
    row = Suppression.objects.get(reason=reason)
    address = f"/suppressions/{row.pk}/release/"
    page = editor_client.get(address).text
    assert words in page
    assert ('name="sure"' in page) is is_grave
    assert Suppression.objects.filter(pk=row.pk).exists()
    editor_client.post(address, {"sure": "on"} if is_grave else {})
    assert not Suppression.objects.filter(pk=row.pk).exists()
