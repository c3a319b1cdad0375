"""The settings page of bounces: numbers, a trial that writes nothing, exceptions, decisions."""

import pytest

from accounts.workspaces.workspace_urls import in_workspace
from delivery.bounce_policy import lifting, trying
from delivery.events import applying
from delivery.models import BounceException, BouncePolicy, Event, HeldBack, ProviderAlarm
from delivery.states import Effect
from reports.campaign import bounces
from subscribers.models import Suppression
from tests.delivery import makers
from tests.delivery.bounce_policy.test_following import bounce, everybody, hard, sent, suppressed

pytestmark = pytest.mark.django_db
NUMBERS = {
    "suppress_hard": "on",
    "suppress_soft": "on",
    "soft_count": "5",
    "soft_days": "14",
    "inactive_count": "2",
    "guard": "on",
    "guard_least": "20",
    "guard_percent": "30",
    "guard_hours": "24",
}


@pytest.fixture
def page(workspace):
    return in_workspace(workspace, "bounces")


def test_the_defaults_are_shown_and_other_numbers_are_kept(workspace, page, owner_client):
    answer = owner_client.get(page)
    assert answer.status_code == 200
    assert not BouncePolicy.objects.exists()  # looking writes nothing
    answer = owner_client.post(page, NUMBERS | {"soft_count": "7"})
    assert answer.status_code == 302
    assert BouncePolicy.objects.get(workspace=workspace).soft_count == 7


@pytest.mark.parametrize(
    ("field", "value"), [("soft_count", "31"), ("soft_count", "0"), ("guard_percent", "101")]
)
def test_numbers_that_make_no_sense_are_refused(page, owner_client, field, value):
    answer = owner_client.post(page, NUMBERS | {field: value})
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not BouncePolicy.objects.exists()


def test_a_trial_says_who_and_writes_nothing(workspace, page, owner_client):
    ana = makers.make_subscriber(workspace, "ana@example.org")
    for days in (6, 5, 4):
        applying.apply([bounce(sent(workspace, ana, days), Effect.MAILBOX_FULL, days=days)])
    budi = makers.make_subscriber(workspace, "budi@example.org")
    applying.apply([bounce(sent(workspace, budi, 3), Effect.ADDRESS_INVALID)])
    assert suppressed(workspace) == {"budi@example.org": "bounced"}
    other = NUMBERS | {"soft_count": "3", "soft_days": "1", "try": "1"}
    del other["suppress_hard"]
    answer = owner_client.post(page, other)
    text = answer.content.decode()
    assert "1 more address would be suppressed" in text
    assert "1 suppressed address would be written to again" in text
    assert text.index("ana@example.org") < text.index("budi@example.org")
    assert suppressed(workspace) == {"budi@example.org": "bounced"}
    assert not BouncePolicy.objects.exists()
    del other["try"]
    owner_client.post(page, other | {"suppress_now": "on", "release_now": "on"})
    assert suppressed(workspace) == {"ana@example.org": "bounced"}


def test_a_trial_agrees_with_what_happened(workspace, page, owner_client):
    ana = makers.make_subscriber(workspace, "ana@example.org")
    applying.apply([bounce(sent(workspace, ana, 3), Effect.ADDRESS_INVALID)])
    trial = trying.of(workspace, BouncePolicy(workspace=workspace))
    assert (trial.suppressed, trial.released) == ({}, [])
    assert lifting.release(workspace, ["ana@example.org"]) == 1
    trial = trying.of(workspace, BouncePolicy(workspace=workspace))
    assert trial.suppressed == {}  # what bounced before it was released counts no more


def test_exceptions_are_added_and_removed(workspace, owner_client):
    add = in_workspace(workspace, "bounce_exception_add")
    owner_client.post(add, {"value": " Nina@Example.org ", "note": "our director"})
    owner_client.post(add, {"value": "Partner.Example"})
    owner_client.post(add, {"value": "not an address or domain"})
    rows = BounceException.objects.filter(workspace=workspace)
    assert set(rows.values_list("value", flat=True)) == {"nina@example.org", "partner.example"}
    for pk in rows.values_list("pk", flat=True):
        owner_client.post(in_workspace(workspace, "bounce_exception_delete", pk))
    assert not BounceException.objects.exists()


def test_an_alarm_shows_who_is_held_back_and_a_decision_ends_it(workspace, page, owner_client):
    applying.apply(hard(everybody(workspace, 30)))
    alarm = ProviderAlarm.objects.get()
    assert b"Gmail refuses nearly everybody" in owner_client.get(page).content
    address = in_workspace(workspace, "alarm_page", alarm.pk)
    assert b"p0@gmail.com" in owner_client.get(address).content
    assert HeldBack.objects.count() == 30
    owner_client.post(address, {"decision": "nonsense"})
    assert HeldBack.objects.count() == 30
    owner_client.post(address, {"decision": "suppress"})
    assert len(suppressed(workspace)) == 30
    assert b"Decided" in owner_client.get(address).content


def test_only_who_manages_the_workspace_decides(page, editor_client):
    assert editor_client.get(page).status_code == 403


def test_a_persons_page_tells_of_bounces(workspace, owner_client):
    ana = makers.make_subscriber(workspace, "ana@example.org")
    message = sent(workspace, ana, 3)
    applying.apply([bounce(message, Effect.MAILBOX_FULL, days=2)])
    timeline = owner_client.get(in_workspace(workspace, "subscriber_timeline", ana.pk))
    text = timeline.content.decode()
    assert "The mailbox is full" in text
    assert "1 bounce since an email last arrived" in text
    assert Event.objects.count() == 1


def test_the_report_counts_and_filters_what_came_back(workspace, owner_client):
    campaign = makers.make_sent_campaign(workspace)
    type(campaign).objects.filter(pk=campaign.pk).update(
        started_at=makers.SENT_AT, status="sent", finished_at=makers.SENT_AT
    )
    effects = [Effect.ADDRESS_INVALID, Effect.MAILBOX_FULL, Effect.SENDER_BLOCKED]
    for number, effect in enumerate(effects):
        person = makers.make_subscriber(workspace, f"p{number}@example.org")
        applying.apply([bounce(makers.make_message(campaign, person), effect)])
    assert [(row.state, row.count) for row in bounces.by_effect(campaign)] == [
        ("bounced_hard", 1),
        ("bounced_soft", 1),
        ("bounced_blocked", 1),
    ]
    report = owner_client.get(in_workspace(workspace, "campaign_report", campaign.pk))
    assert b"?state=bounced_hard#people" in report.content
    people = in_workspace(workspace, "campaign_recipients", campaign.pk)
    for state, who in (
        ("bounced", {0, 1, 2}),
        ("bounced_hard", {0}),
        ("bounced_soft", {1}),
        ("bounced_blocked", {2}),
        ("delivered", set()),
    ):
        text = owner_client.get(people, {"state": state}).content.decode()
        assert {n for n in range(3) if f"p{n}@example.org" in text} == who
    assert Suppression.objects.count() == 1
