"""What retention may forget, and what the ledger never lets go."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.models import ConsentEvent, MailingList, Retention, Subscription
from subscribers.people import people
from subscribers.privacy import retention
from subscribers.states import ConsentSource

FORM = ConsentSource.FORM


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def offers(workspace):
    return MailingList.objects.create(workspace=workspace, name="Offers")


@pytest.fixture
def dewi(workspace, weekly, offers):
    person, _ = people.add(workspace, address=addresses.normalise("dewi@example.com"))
    for mailing_list in (weekly, offers):
        lifecycle.subscribe(
            person, mailing_list=mailing_list, source=FORM, at=ago(400), ip="192.0.2.1",
            user_agent="Firefox", detail="shop",
        )  # fmt: skip
    lifecycle.unsubscribe(person, lists=[offers.pk], source=FORM, at=ago(300))
    return person


def ago(days):
    return timezone.now() - timedelta(days=days)


def rules(workspace, **days):
    return Retention.objects.create(workspace=workspace, **days)


def test_nothing_is_forgotten_unless_somebody_says_so(workspace, dewi):
    before = list(ConsentEvent.objects.values())
    retention.apply_all()
    rules(workspace)
    retention.apply_all()
    assert list(ConsentEvent.objects.values()) == before


def test_from_where_is_forgotten_and_the_rest_stays(workspace, dewi):
    assert retention.apply(rules(workspace, origin_days=365)) == 2
    events = ConsentEvent.objects.order_by("id")
    assert {(event.ip, event.user_agent) for event in events} == {(None, "")}
    assert [event.detail for event in events] == ["shop", "shop", ""]
    assert retention.apply(Retention.objects.get()) == 0


def test_the_history_of_a_list_that_was_left_goes_after_its_time(workspace, dewi, weekly, offers):
    found = rules(workspace, history_days=365)
    assert retention.apply(found) == 0
    Retention.objects.update(history_days=200)
    assert retention.apply(Retention.objects.get()) == 1
    kept = ConsentEvent.objects.order_by("id").values_list("list", "kind")
    assert list(kept) == [(weekly.pk, "subscribed"), (offers.pk, "unsubscribed")]
    assert Subscription.objects.get(list=offers).status == "unsubscribed"


def test_batches_reach_the_end(workspace, dewi, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_A_BATCH", 1)
    assert retention.apply(rules(workspace, origin_days=30, history_days=30)) == 3


@transaction.atomic
def retaining(change):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('warta.retaining', 'on', true)")
    change()


def test_the_ledger_lets_retention_do_no_more(workspace, dewi, weekly):
    proof = ConsentEvent.objects.filter(list=weekly)
    forbidden = (
        proof.delete,
        lambda: proof.update(kind="asked"),
        lambda: proof.update(ip=None, user_agent="", detail=""),
        lambda: proof.update(ip="192.0.2.9"),
        lambda: proof.update(at=timezone.now(), ip=None, user_agent=""),
    )
    before = list(ConsentEvent.objects.values())
    for change in forbidden:
        with pytest.raises(DatabaseError, match="append-only"):
            retaining(change)
    assert list(ConsentEvent.objects.values()) == before


def test_who_is_only_asked_keeps_the_history_too(workspace, dewi, offers):
    lifecycle.ask(dewi, mailing_list=offers, source=FORM)
    assert retention.apply(rules(workspace, history_days=30)) == 0


def test_another_workspace_is_not_touched(workspace, other_workspace, dewi):
    assert retention.apply(rules(other_workspace, origin_days=0, history_days=0)) == 0


def test_the_page_saves_the_rules(admin_client, editor_client, workspace):
    page = "/settings/privacy/"
    assert editor_client.get(page).status_code == 403
    assert admin_client.get(page).status_code == 200
    assert not Retention.objects.exists()
    answer = admin_client.post(page, {"origin_days": "365", "history_days": ""})
    assert answer.status_code == 302
    found = Retention.objects.get()
    assert (found.workspace, found.origin_days, found.history_days) == (workspace, 365, None)
    assert admin_client.post(page, {"origin_days": "-1"}).status_code == 200


def test_who_left_long_ago_is_brought_back_by_nobody_else(workspace, dewi, offers):
    retention.apply(rules(workspace, history_days=30))
    lifecycle.ask(dewi, mailing_list=offers, source=FORM)  # a stranger's sign-up
    assert not lifecycle.subscribe(dewi, mailing_list=offers, source=ConsentSource.MANUAL)


def test_of_the_newest_leaving_stays_that_it_was(workspace, dewi, offers):
    lifecycle.unsubscribe_from_all(
        dewi, source=FORM, at=ago(200), ip="192.0.2.1", user_agent="Firefox"
    )
    retention.apply(rules(workspace, history_days=30))
    events = ConsentEvent.objects.exclude(list=None)
    assert {(event.kind, event.ip, event.user_agent) for event in events} == {
        ("unsubscribed", None, "")
    }
    with pytest.raises(DatabaseError, match="append-only"):
        retaining(events.filter(list=offers).delete)
