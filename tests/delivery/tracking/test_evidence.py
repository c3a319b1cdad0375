"""Why something counts as a person's or not: kept with it, applied anew, and what follows."""

import json

import pytest
from django.core.management import call_command

from delivery.models import Event, EventTally, Message, PersonDevice, StreamPosition, UserAgent
from delivery.states import AgentClass, Device, EventKind
from delivery.tracking import classify, device_rules, devices, hits, ingest, person_devices, review
from delivery.tracking.evidence import Sign, labels
from delivery.tracking.hits import Hit
from subscribers.models import Subscriber
from subscribers.segments.kinds import Scope
from tests.delivery import makers

HUMAN, PROXY, SCANNER = AgentClass.HUMAN, AgentClass.PROXY, AgentClass.SCANNER
OPEN, CLICK = EventKind.OPENED, EventKind.CLICKED
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.fixture
def person(workspace):
    return makers.make_subscriber(workspace, "ana@example.org")


@pytest.fixture
def message(workspace, person):
    campaign = makers.make_sent_campaign(workspace, makers.make_list(workspace, "Mingguan"))
    return makers.make_message(campaign, person)


def see(message, kind, seconds, **more):
    seen = {"user_agent": FIREFOX, "ip": "203.0.113.7", **more}
    hits.push(Hit(message_id=message.pk, kind=kind, at=makers.after(seconds), **seen))


def drain():
    while ingest.next_batch():
        pass


@pytest.mark.parametrize(
    ("kind", "more", "sign", "verdict"),
    [
        (OPEN, {"is_head": True}, Sign.HEAD, SCANNER),
        (CLICK, {"is_prefetch": True}, Sign.PREFETCH, SCANNER),
        (CLICK, {"names_language": False}, Sign.NO_LANGUAGE, SCANNER),
        (OPEN, {"names_language": False}, Sign.NO_LANGUAGE, HUMAN),
        (OPEN, {"user_agent": "Mozilla/5.0"}, Sign.PRIVACY_PROXY, PROXY),
        (OPEN, {"user_agent": GMAIL}, Sign.IMAGE_PROXY, HUMAN),
        (CLICK, {"user_agent": GMAIL}, Sign.IMAGE_PROXY, SCANNER),
        (CLICK, {"user_agent": "Barracuda Sentinel (EE)"}, Sign.GATEWAY, SCANNER),
        (CLICK, {"user_agent": "curl/8.5.0"}, Sign.PROGRAM, SCANNER),
        (OPEN, {"user_agent": ""}, Sign.NO_AGENT, SCANNER),
        (CLICK, {"ordinal": 0}, Sign.HIDDEN_LINK, SCANNER),
        (OPEN, {"names_accept": False}, Sign.NO_ACCEPT, HUMAN),
    ],
)
def test_what_was_seen_stands_beside_the_event(message, kind, more, sign, verdict):
    see(message, kind, 600, **{"ordinal": 1 if kind == CLICK else 0, **more})
    drain()
    event = Event.objects.get()
    assert (Sign(event.evidence), event.agent) == (sign, verdict)
    assert len(labels(event.evidence)) == 1


def test_clicks_beside_the_hidden_link_are_the_same_programs(message):
    see(message, CLICK, 600, ordinal=1)
    see(message, CLICK, 601, ordinal=0)
    see(message, CLICK, 900, ordinal=2)
    drain()
    review.next_batch()
    found = {one.link_ordinal: (one.agent, Sign(one.evidence)) for one in Event.objects.all()}
    assert found == {
        0: (SCANNER, Sign.HIDDEN_LINK),
        1: (SCANNER, Sign.WITH_HIDDEN_LINK),
        2: (HUMAN, Sign(0)),
    }


def figures():
    rows = EventTally.objects.filter(total__gt=0)
    return sorted(rows.values_list("kind", "agent", "link_ordinal", "total", "unique"))


def test_reclassifying_gives_what_counting_gave(message, workspace, monkeypatch):
    other = makers.make_message(
        message.campaign, makers.make_subscriber(workspace, "budi@example.org")
    )
    for one in (message, other):
        see(one, OPEN, 5, user_agent="Mozilla/5.0")
        see(one, CLICK, 600, ordinal=1)
        see(one, CLICK, 1, ordinal=2, user_agent=IPHONE)
        see(one, OPEN, 700, is_head=True)
    drain()
    review.next_batch()
    right = figures()
    said = json.loads(run("--json"))
    assert (said["changed"], figures()) == (0, right)
    # A release that took everything for people; then today's rules again.
    with monkeypatch.context() as patch:
        patch.setattr(classify, "decide", lambda *_: HUMAN)
        patch.setattr(review, "signs_of", lambda *_, **__: {})
        run()
    assert figures() != right
    dry = json.loads(run("--json", "--dry-run"))
    assert dry["changed"] == 6
    assert figures() != right
    done = json.loads(run("--json", "--campaign", str(message.campaign_id)))
    assert done["figures"] == dry["figures"]
    assert figures() == right
    assert Message.objects.get(pk=message.pk).clicked_at == makers.after(600)


def run(*arguments):
    from io import StringIO

    out = StringIO()
    call_command("reclassify", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_known_no_more_keeps_its_verdict(message):
    see(message, CLICK, 600, ordinal=1, user_agent="curl/8.5.0")
    drain()
    Event.objects.update(ip=None, user_agent=None)
    run()
    assert Event.objects.get().agent == SCANNER


@pytest.mark.parametrize(
    ("name", "device"),
    [
        (FIREFOX, Device.DESKTOP),
        (IPHONE, Device.PHONE),
        (IPAD, Device.TABLET),
        (GMAIL, Device.UNKNOWN),
        ("Mozilla/5.0", Device.UNKNOWN),
        ("curl/8.5.0", Device.UNKNOWN),
        (
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/130.0.0.0 Mobile Safari/537.36"
            ),
            Device.PHONE,
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/130.0.0.0 Safari/537.36"
            ),
            Device.TABLET,
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko)"
            ),
            Device.DESKTOP,
        ),
        (
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Version/6.0 TV Safari/537.36"
            ),
            Device.OTHER,
        ),
    ],
)
def test_kinds_of_devices(name, device):
    assert devices.device_of(name) == device


def test_segments_ask_for_devices_and_countries(workspace, person, message):
    other = makers.make_subscriber(workspace, "budi@example.org")
    see(message, OPEN, 600, user_agent=IPHONE)
    see(message, CLICK, 700, ordinal=1)
    see(message, CLICK, 1, ordinal=2, user_agent=IPAD)  # too soon for a person
    drain()
    PersonDevice.objects.filter(subscriber=person).update(country="ID")
    Event.objects.filter(agent=HUMAN).update(country="ID")

    def found(subject, key, **values):
        subjects = {one.key: one for one in device_rules.subjects(Scope(workspace=workspace))}
        condition = subjects[subject].operator(key).compile(values)
        everybody = Subscriber.objects.filter(workspace=workspace)
        return {one.pk for one in everybody.filter(condition)}

    def check():
        assert found("device", "uses", device=Device.PHONE.value) == {person.pk}
        assert found("device", "uses_not", device=Device.PHONE.value) == {other.pk}
        assert found("device", "uses", device=Device.TABLET.value) == set()
        assert found("device", "uses_only", device=Device.PHONE.value) == set()
        assert found("country_seen", "is", country="ID") == {person.pk}
        assert found("country_seen", "is_not", country="ID") == {other.pk}

    check()
    UserAgent.objects.update(device=None)  # as a release left them that did not look
    person_devices.rebuild()
    check()


def entry(origin, number, *lines):
    fields = {"o": origin, "n": number, "h": "\n".join(lines)}
    hits.client().xadd(hits.STREAM, fields)


def test_an_origins_hits_count_once_and_gaps_are_known(message):
    lines = [
        hits.encode(Hit(message_id=message.pk, kind=OPEN, at=makers.after(60 + n), user_agent="x"))
        for n in range(6)
    ]
    entry("a-1", 0, *lines[:2])
    entry("a-1", 0, *lines[:2])  # sent again, after an answer that never came
    entry("a-1", 2, lines[2])
    drain()
    assert Event.objects.count() == 3
    entry("a-1", 2, lines[2])
    entry("a-1", 5, lines[5])  # two never came
    entry("b-2", 0, "nonsense", lines[3])
    drain()
    assert Event.objects.count() == 5
    assert StreamPosition.objects.get(name=hits.STREAM).lost == 2


def test_a_poisoned_hit_stops_nobody(message, monkeypatch):
    from delivery.tracking import rows

    whole = rows.Writing.individual

    def poisoned(self, hit, target):
        if hit.user_agent == "poison":
            raise ValueError(hit.user_agent)
        return whole(self, hit, target)

    monkeypatch.setattr(rows.Writing, "individual", poisoned)
    good = [Hit(message_id=message.pk, kind=OPEN, at=makers.after(n)) for n in range(60, 80)]
    bad = Hit(message_id=message.pk, kind=OPEN, at=makers.after(70), user_agent="poison")
    entry("a-1", 0, *map(hits.encode, [*good[:9], bad, *good[9:]]))
    drain()
    assert Event.objects.count() == len(good)
