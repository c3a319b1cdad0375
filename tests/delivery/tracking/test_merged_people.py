"""What becomes of the traces of two people who turn out to be one, and what the one may know."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import lifecycle
from delivery.models import Engagement, Message, MessageTally, UnsubscribeReason
from delivery.pipeline import plan
from delivery.public import personal_data
from delivery.states import MessageState
from subscribers.bulk import actions, runner
from subscribers.consent import ledger
from subscribers.directory import directory
from subscribers.directory.filters import PeopleFilters
from subscribers.models import SearchMark, Segment, SignupForm, SignupRequest, Suppression
from subscribers.people import merging, search
from subscribers.people.merging import Pair
from subscribers.states import AddressFlag, BulkKind, Frequency
from tests.campaigns import makers as campaign_makers
from tests.delivery import makers, sending


@pytest.fixture
def pair(workspace):
    return (
        makers.make_subscriber(workspace, "dewi@example.org", first_name="Dewi"),
        makers.make_subscriber(workspace, "info+dewi@example.org"),
    )


@pytest.fixture
def held(workspace, pair):
    form = SignupForm.objects.create(
        workspace=workspace, name="F", statement=ledger.statement(workspace, text="Yes")
    )
    return SignupRequest.objects.create(
        workspace=workspace,
        form=form,
        email="Info+Dewi@example.org",
        details={"first_name": "D", "last_name": ""},
        statement=form.statement,
        held_for="strict",
    )


def merge(pair):
    return merging.merge(Pair(keep=pair[0], away=pair[1]), actor=None)


def test_what_both_did_with_our_mail_is_summed_up(pair):
    now = timezone.now()
    Engagement.objects.create(
        subscriber=pair[0], last_opened_at=now - timedelta(days=9), opened=[5, 2], clicked=[2]
    )
    Engagement.objects.create(subscriber=pair[1], last_opened_at=now, opened=[7, 5])
    merge(pair)
    row = Engagement.objects.get()
    assert row.subscriber == pair[0]
    assert (row.opened, row.clicked, row.last_opened_at) == ([7, 5, 2], [2], now)


def test_the_search_finds_the_one_and_no_longer_the_other(workspace, pair):
    while search.rebuild():
        pass
    merge(pair)
    assert SearchMark.objects.exists()
    found = directory.matching(workspace, PeopleFilters(search="info+dewi"))
    assert not found.exists()
    assert directory.matching(workspace, PeopleFilters(search="dewi")).count() == 1


def test_the_calmer_wish_and_the_longer_pause_hold(pair):
    until = timezone.now() + timedelta(days=30)
    pair[1].frequency, pair[1].paused_until = Frequency.MONTHLY, until
    pair[1].save()
    kept = merge(pair)
    assert (kept.frequency, kept.paused_until) == (Frequency.MONTHLY, until)


def test_what_was_noticed_about_an_address_stays_with_the_address(pair):
    pair[1].address_flags = AddressFlag.ROLE
    pair[1].save()
    assert merge(pair).address_flags == 0


def test_a_held_signup_goes_on_with_the_address_that_stays(pair, held):
    merge(pair)
    held.refresh_from_db()
    assert held.email == "dewi@example.org"


def test_a_segment_that_needs_mending_hides_nobodys_data(workspace, pair):
    rules = {"version": 1, "match": "all", "rules": [{"subject": "field:gone", "operator": "is"}]}
    Segment.objects.create(workspace=workspace, name="Broken", rules=rules)
    assert personal_data.collect(pair[0])["segments"] == []


def test_a_person_learns_of_everything_that_is_kept(workspace, pair, held):
    weekly = makers.make_list(workspace, "Weekly")
    campaign = makers.make_sent_campaign(workspace, weekly)
    other = makers.make_sent_campaign(workspace, weekly)
    own = makers.make_message(campaign, pair[0])
    makers.make_message(other, pair[1])
    makers.make_message(campaign, pair[1])  # stays under the former key
    UnsubscribeReason.objects.create(
        campaign=campaign, message=own, answer="too_many", words="Every day!"
    )
    Engagement.objects.create(subscriber=pair[1], opened=[3])
    kept = merge(pair)
    settings = {"list": weekly.pk, "name": "Weekly", "detail": "Asked at the stand"}
    action = actions.start(
        workspace, kind=BulkKind.SUBSCRIBE, actor=None, settings=settings, whom=[kept.pk]
    )
    runner.run(action.pk)
    data = personal_data.collect(kept)
    assert len(data["letters"]) == 3
    assert data["activity"]["opened_of_newest"] == 1
    assert data["words_when_leaving"][0]["words"] == "Every day!"
    assert data["waiting_sign_ups"][0]["form"] == "F"
    assert (data["actions"][0]["name"], data["actions"][0]["detail"]) == (
        "Weekly",
        "Asked at the stand",
    )
    assert [one["email"] for one in data["former_addresses"]] == ["info+dewi@example.org"]


@pytest.fixture
def planning(workspace, monkeypatch):
    """Start a campaign to four people and plan the first two of them."""
    monkeypatch.setattr(plan, "FIRST_CHUNK", 2)
    monkeypatch.setattr(plan, "CHUNK", 2)
    news = campaign_makers.make_list(workspace)
    sending.make_account(workspace)
    people = [campaign_makers.make_reader(workspace, news, f"p{n}@{n}.example") for n in range(4)]
    campaign = campaign_makers.make_campaign(workspace, news)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)

    def go_on():
        return plan.step(campaign.pk)

    return people, go_on


def letters():
    return dict(Message.objects.values_list("subscriber_id", "state"))


def test_a_merger_during_planning_writes_once_and_planning_goes_on(planning):
    people, go_on = planning
    go_on()
    merging.merge(Pair(keep=people[3], away=people[0]), actor=None)
    while not go_on().is_done:
        pass
    planned = MessageState.PLANNED
    assert letters() == {people[n].pk: planned for n in (1, 2, 3)}
    assert sum(MessageTally.objects.values_list("count", flat=True)) == 3


def test_who_stays_is_planned_for_themselves_where_the_other_was_left_out(planning):
    people, go_on = planning
    campaign_makers.suppress(people[0])
    go_on()
    Suppression.objects.update(reason="bounced")  # which stays with the address
    merging.merge(Pair(keep=people[3], away=people[0]), actor=None)
    while not go_on().is_done:
        pass
    assert letters()[people[3].pk] == MessageState.PLANNED
    assert letters()[people[0].pk] == MessageState.SKIPPED
