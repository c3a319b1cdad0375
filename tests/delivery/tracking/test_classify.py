"""Who opens and clicks: people, privacy proxies, scanners."""

import json
import os
from pathlib import Path

import pytest

from delivery.states import AgentClass, EventKind
from delivery.tracking.classify import Visit, classify

HUMAN, PROXY, SCANNER = AgentClass.HUMAN, AgentClass.PROXY, AgentClass.SCANNER
OPEN, CLICK = EventKind.OPENED, EventKind.CLICKED
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.17231; "
    "ms-office; MSOffice 16)"
)
OFFICE = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
CORPUS = (
    Path(os.environ.get("WARTA_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    / "user-agents/crawler-user-agents/crawler-user-agents.json"
)


@pytest.mark.parametrize(
    ("kind", "user_agent", "verdict"),
    [
        (OPEN, FIREFOX, HUMAN),
        (OPEN, IPHONE, HUMAN),
        (OPEN, GMAIL, HUMAN),
        (OPEN, YAHOO, HUMAN),
        (OPEN, OUTLOOK, HUMAN),
        (OPEN, OFFICE, SCANNER),
        (OPEN, "Mozilla/5.0", PROXY),
        (OPEN, "", SCANNER),
        (OPEN, "python-requests/2.32", SCANNER),
        (OPEN, "Barracuda Sentinel (EE)", SCANNER),
        (CLICK, FIREFOX, HUMAN),
        (CLICK, IPHONE, HUMAN),
        (CLICK, "Mozilla/5.0", SCANNER),
        (CLICK, "", SCANNER),
        (CLICK, OUTLOOK, SCANNER),
        (CLICK, "Mozilla/5.0 (compatible; proofpoint-urldefense)", SCANNER),
        (CLICK, "Mimecast-Link-Scanner/1.0", SCANNER),
        (CLICK, "Microsoft SafeLinks/2.0", SCANNER),
        (CLICK, "Microsoft Office Existence Discovery", SCANNER),
        (CLICK, "Googlebot/2.1 (+http://www.google.com/bot.html)", SCANNER),
        (CLICK, "curl/8.5.0", SCANNER),
    ],
)
def test_the_name_of_the_program(kind, user_agent, verdict):
    assert classify(Visit(kind=kind, user_agent=user_agent, seconds_after=600)) == verdict


@pytest.mark.parametrize(
    ("visit", "verdict"),
    [
        ({"kind": OPEN, "is_head": True}, SCANNER),
        ({"kind": CLICK, "is_head": True}, SCANNER),
        ({"kind": CLICK, "names_language": False}, SCANNER),
        ({"kind": OPEN, "names_language": False}, HUMAN),
        ({"kind": OPEN, "seconds_after": 1.9}, SCANNER),
        ({"kind": OPEN, "seconds_after": 2.0}, HUMAN),
        ({"kind": CLICK, "seconds_after": -3.0}, SCANNER),
        ({"kind": CLICK, "seconds_after": 2.5}, HUMAN),
        ({"kind": CLICK, "seconds_after": None}, HUMAN),
        ({"kind": OPEN, "ip": "17.58.100.4"}, PROXY),
        ({"kind": CLICK, "ip": "17.58.100.4"}, HUMAN),
        ({"kind": OPEN, "ip": "no address"}, HUMAN),
        ({"kind": OPEN, "user_agent": "Mozilla/5.0", "seconds_after": 0.5}, PROXY),
        ({"kind": OPEN, "user_agent": GMAIL, "seconds_after": 0.5}, SCANNER),
    ],
)
def test_how_and_when_the_request_came(visit, verdict):
    assert classify(Visit(**{"user_agent": FIREFOX, "seconds_after": 600, **visit})) == verdict


# One name a line: what people use (mail programs, apps, phones, televisions) and what they don't.
PEOPLE = (Path(__file__).parent / "people.txt").read_text(encoding="utf-8").splitlines()
MACHINES = (Path(__file__).parent / "machines.txt").read_text(encoding="utf-8").splitlines()


def is_machine(name: str, kind: EventKind = OPEN) -> bool:
    return classify(Visit(kind=kind, user_agent=name, seconds_after=600)) != HUMAN


@pytest.mark.parametrize("name", PEOPLE, ids=lambda name: name[-40:])
def test_people_are_people(name):
    assert not is_machine(name)


@pytest.mark.parametrize("name", MACHINES, ids=lambda name: name[-40:])
def test_machines_are_machines(name):
    assert is_machine(name)


def test_crawlers_are_scanners_but_for_those_that_fetch_for_a_reader():
    if not CORPUS.exists():
        pytest.skip(f"no crawler names at {CORPUS}; set WARTA_TEST_DATA")
    names = {name for crawler in json.loads(CORPUS.read_text()) for name in crawler["instances"]}
    assert len(names) > 1_000
    for_readers = {name for name in names if "GoogleImageProxy" in name or "YahooMailProxy" in name}
    # In-app browsers and programs of people stand in that list, too: theirs stay people.
    assert for_readers == {name for name in for_readers if not is_machine(name)}
    for kind, machines in ((CLICK, names), (OPEN, names - for_readers)):
        missed = {name for name in machines if not is_machine(name, kind)}
        rate = 100 * len(missed) / len(machines)
        assert rate < 0.5, f"{rate:.2f} % of crawlers count as people ({kind.name}): {missed}"
