"""Off, anonymous or individual: what is kept of what a person did, and who decides."""

import pytest

from campaigns.models import Campaign, WorkspaceTracking
from campaigns.states import TrackingMode
from delivery.models import Engagement, Event, EventTally, Message, PersonDevice
from delivery.public import tracking_consent
from delivery.states import AgentClass, EventKind
from delivery.tracking import hits, ingest, review
from delivery.tracking.hits import Hit
from subscribers.states import ConsentSource
from tests.delivery import makers

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def person(workspace):
    return makers.make_subscriber(workspace, "ana@example.org")


@pytest.fixture
def message(workspace, person):
    campaign = makers.make_sent_campaign(workspace, makers.make_list(workspace, "Mingguan"))
    return makers.make_message(campaign, person)


def open_and_click(message):
    seen = {"message_id": message.pk, "user_agent": FIREFOX, "ip": "203.0.113.7"}
    hits.push(Hit(kind=EventKind.OPENED, at=makers.after(60), **seen))
    hits.push(Hit(kind=EventKind.CLICKED, ordinal=2, at=makers.after(70), **seen))
    while ingest.next_batch():
        pass
    review.next_batch()


def kept(message):
    """Say what is kept: "nothing", "a count" or "the person"."""
    events = list(Event.objects.filter(campaign_id=message.campaign_id))
    row = Message.objects.get(pk=message.pk)
    if not events:
        assert not EventTally.objects.filter(total__gt=0).exists()
        assert (row.opened_at, row.clicked_at) == (None, None)
        return "nothing"
    tallies = EventTally.objects.filter(agent=AgentClass.HUMAN).values_list(
        "kind", "link_ordinal", "total", "unique"
    )
    whose = {(one.message_id, one.subscriber_id, one.ip) for one in events}
    if whose == {(None, None, None)}:
        assert {one.user_agent_id for one in events} == {None}
        assert {one.at.minute for one in events} == {0}
        assert sorted(tallies) == [(4, 0, 1, 0), (5, 0, 1, 0), (5, 2, 1, 0)]
        assert (row.opened_at, row.clicked_at) == (None, None)
        assert not Engagement.objects.exists()
        assert not PersonDevice.objects.exists()
        return "a count"
    assert whose == {(message.pk, message.subscriber_id, "203.0.113.7")}
    assert sorted(tallies) == [(4, 0, 1, 1), (5, 0, 1, 1), (5, 2, 1, 1)]
    return "the person"


@pytest.mark.parametrize(
    ("of_workspace", "of_campaign", "what"),
    [
        ("individual", "", "the person"),
        ("anonymous", "", "a count"),
        ("off", "", "nothing"),
        ("off", "individual", "the person"),
        ("individual", "anonymous", "a count"),
        ("individual", "off", "nothing"),
    ],
)
def test_the_campaigns_mode_or_the_workspaces(workspace, message, of_workspace, of_campaign, what):
    WorkspaceTracking.objects.create(workspace=workspace, mode=of_workspace)
    Campaign.objects.filter(pk=message.campaign_id).update(tracking_mode=of_campaign)
    open_and_click(message)
    assert kept(message) == what


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ((False, None), "the person"),
        ((False, False), "a count"),
        ((True, None), "a count"),
        ((True, True), "the person"),
    ],
)
def test_the_persons_word_goes_before(workspace, person, message, case, what):
    needs_consent, said = case
    WorkspaceTracking.objects.create(workspace=workspace, needs_consent=needs_consent)
    if said is not None:
        assert tracking_consent.say(
            person, allows_it=said, source=ConsentSource.PREFERENCES, ip="203.0.113.9"
        )
        assert not tracking_consent.say(
            person, allows_it=said, source=ConsentSource.PREFERENCES
        )  # nothing new
    open_and_click(message)
    assert kept(message) == what
    told = tracking_consent.told(person)
    assert [one["allowed"] for one in told] == ([] if said is None else [said])


def test_the_preferences_page_takes_a_refusal_from_anybody_with_the_mail(
    client, workspace, person, message
):
    from delivery.mime import tokens

    address = f"/p/{tokens.make(message.pk, tokens.Purpose.PREFERENCES)}/"
    assert 'name="tracking"' in client.get(address).text
    client.post(address, {"do": "save", "tracking_asked": "1", "frequency": "0"})
    assert tracking_consent.allows(person) is False
    assert 'name="tracking"' not in client.get(address).text  # only the owner takes it back
    client.post(address, {"do": "save", "tracking_asked": "1", "tracking": "1", "frequency": "0"})
    assert tracking_consent.allows(person) is False


def test_of_two_people_who_become_one_a_refusal_stays(workspace, person):
    from subscribers.people import merging

    other = makers.make_subscriber(workspace, "ana2@example.org")
    source = ConsentSource.PREFERENCES
    tracking_consent.say(person, allows_it=False, source=source)
    tracking_consent.say(other, allows_it=False, source=source)
    tracking_consent.say(other, allows_it=True, source=source)
    merging.merge(merging.Pair(keep=other, away=person), actor=None)
    assert tracking_consent.allows(other) is False


def test_mails_hold_nothing_to_track_where_it_is_off(workspace, message):
    from campaigns.models import Content
    from campaigns.rendering.stored import compile_version

    campaign = Campaign.objects.get(pk=message.campaign_id)
    content = Content.objects.create(
        campaign=campaign, subject="Halo", source="[baca](https://kopisenja.example/1)"
    )
    settings = WorkspaceTracking.objects.create(
        workspace=workspace, mode=TrackingMode.OFF, hidden_link=True
    )
    assert not {"_open_pixel", "_link_1", "_link_0"} & compile_version(content).html.tags
    settings.mode = TrackingMode.ANONYMOUS
    settings.save()
    assert {"_open_pixel", "_link_1", "_link_0"} <= compile_version(content).html.tags
    assert "_link_0" not in compile_version(content).text.tags
