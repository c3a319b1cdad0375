"""Opens, clicks and the unsubscribe button, answered by the web process before Django."""

import socket
import time
from contextlib import closing

import pytest
from django.test import Client

from campaigns.models import Content, Link, WorkspaceTracking
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Event, Message
from delivery.public import one_click
from delivery.states import AgentClass, EventKind
from delivery.tracking import hits, ingest
from subscribers.models import ConsentEvent, Subscription
from subscribers.states import ConsentSource, SubscriptionStatus
from tests.delivery import makers
from tests.web.conftest import Served, read_all

FIREFOX = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
LANGUAGE = "Accept-Language: id"


@pytest.fixture
def weekly(workspace):
    return makers.make_list(workspace, "Mingguan")


@pytest.fixture
def person(workspace, weekly):
    return makers.make_subscriber(workspace, "ana@example.org", weekly, first_name="Ana")


@pytest.fixture
def message(workspace, weekly, person):
    return makers.make_message(makers.make_sent_campaign(workspace, weekly), person)


def ask(
    served: Served, head: str, *more: str, body: bytes = b""
) -> tuple[str, dict[str, str], bytes]:
    """Ask once on a connection of its own; returns status, headers and body."""
    with closing(served.connect()) as visitor:
        text = served.head(head, "Connection: close", *more)
        visitor.sendall(text.encode() + body)
        answer = read_all(visitor)
    top, _, rest = answer.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    return lines[0].split()[1], dict(line.lower().split(": ", 1) for line in lines[1:]), rest


def stored() -> list[Event]:
    while ingest.next_batch(others=one_click.apply):
        pass
    return list(Event.objects.order_by("id"))


def track(message: Message) -> str:
    return tokens.make(message.pk, Purpose.TRACK)


def test_an_open(served: Served, message: Message) -> None:
    status, headers, body = ask(
        served, f"GET /o/{track(message)}.gif HTTP/1.1", FIREFOX, LANGUAGE, "Accept: image/*"
    )
    assert (status, headers["content-type"], len(body)) == ("200", "image/gif", 43)
    assert headers["cache-control"] == "no-store, no-cache, must-revalidate, private"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    (event,) = stored()
    assert (event.kind, event.agent, event.evidence) == (EventKind.OPENED, AgentClass.HUMAN, 0)
    assert (event.ip, event.user_agent.text) == ("127.0.0.1", FIREFOX[12:])


def test_a_click_and_the_same_once_more_from_memory(served: Served, message: Message) -> None:
    for _ in range(2):
        status, headers, body = ask(
            served, f"GET /c/{track(message)}/2/?utm=x HTTP/1.1", FIREFOX, LANGUAGE
        )
        assert (status, headers["location"], body) == ("302", "https://kopisenja.example/2", b"")
        assert headers["cache-control"].startswith("no-store")
    assert [(one.kind, one.link_ordinal) for one in stored()] == [(EventKind.CLICKED, 2)] * 2


def test_head_and_prefetch_are_no_people(served: Served, message: Message) -> None:
    asked = (
        (f"HEAD /o/{track(message)}.gif HTTP/1.1", ()),
        (f"HEAD /c/{track(message)}/1/ HTTP/1.1", ()),
        (f"GET /c/{track(message)}/1/ HTTP/1.1", ("Sec-Purpose: prefetch;prerender",)),
        (f"GET /c/{track(message)}/1/ HTTP/1.1", ("Purpose: prefetch",)),
        (f"GET /o/{track(message)}.gif HTTP/1.1", ("X-Moz: prefetch",)),
    )
    for head, more in asked:
        status, _headers, body = ask(served, head, FIREFOX, LANGUAGE, *more)
        assert status in {"200", "302"}
        assert not body or head.startswith("GET /o/")
    found = stored()
    assert {one.agent for one in found} == {AgentClass.SCANNER}
    assert len(found) == len(asked)
    assert Message.objects.get(pk=message.pk).clicked_at is None


def test_no_redirect_to_what_the_campaign_does_not_hold(
    served: Served, workspace, weekly, person, message: Message
) -> None:
    other = makers.make_sent_campaign(workspace, weekly, links=9)
    foreign = makers.make_message(other, makers.make_subscriber(workspace, "b@example.org", weekly))
    track_it = track(message)
    forged = track_it[:-2] + ("AA" if track_it[-2:] != "AA" else "BB")
    for path in (
        f"/c/{track_it}/9/",
        f"/c/{track_it}/4/?url=https://evil.example",
        f"/c/{forged}/1/",
        f"/c/{tokens.make(message.pk, Purpose.VIEW)}/1/",
        f"/c/{tokens.make(10**9, Purpose.TRACK)}/1/",
        f"/c/{track_it}%2f..%2f/1/",
        f"/c/{track_it}/0/",
    ):
        status, headers, _body = ask(served, f"GET {path} HTTP/1.1", FIREFOX, LANGUAGE)
        assert (status, "location" in headers) == ("404", False), path
    status, headers, _body = ask(served, f"GET /c/{track(foreign)}/9/ HTTP/1.1", FIREFOX, LANGUAGE)
    assert (status, headers["location"]) == ("302", "https://kopisenja.example/9")
    # Number 0 is the hidden link's: noted, and never a person's.
    assert [(one.link_ordinal, one.agent) for one in stored()] == [
        (0, AgentClass.SCANNER),
        (9, AgentClass.HUMAN),
    ]


def test_a_link_with_a_persons_values(served: Served, message: Message) -> None:
    Content.objects.create(campaign_id=message.campaign_id, subject="Halo")
    Link.objects.filter(campaign_id=message.campaign_id, ordinal=1).update(
        url="https://kopisenja.example/?who={{ first_name }}"
    )
    status, headers, _body = ask(served, f"GET /c/{track(message)}/1/ HTTP/1.1", FIREFOX, LANGUAGE)
    assert (status, headers["location"]) == ("302", "https://kopisenja.example/?who=ana")
    assert len(stored()) == 1


def test_requests_in_a_row_are_answered_in_their_order(served: Served, message: Message) -> None:
    paths = [f"/c/{track(message)}/1/", f"/o/{track(message)}.gif", f"/c/{track(message)}/2/"]
    ask(served, f"GET {paths[0]} HTTP/1.1")  # the links are now known
    with closing(served.connect()) as visitor:
        head = "".join(
            served.head(f"GET {path} HTTP/1.1", *(("Connection: close",) if last else ()))
            for path, last in zip(paths, (False, False, True), strict=True)
        )
        visitor.sendall(head.encode())
        answer = read_all(visitor)
    places = [answer.lower().find(word) for word in (b"example/1", b"image/gif", b"example/2")]
    assert places == sorted(places)
    assert min(places) > 0


def test_an_old_client_is_answered_and_left(served: Served, message: Message) -> None:
    with closing(served.connect()) as visitor:
        visitor.sendall(f"GET /o/{track(message)}.gif HTTP/1.0\r\n\r\n".encode())
        answer = read_all(visitor)  # until the server closes
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_one_click_unsubscribes_within_the_next_batch(
    served: Served, person, message: Message, kind: str
) -> None:
    body, content_type = b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    if kind == "multipart":
        content_type = "multipart/form-data; boundary=kopi"
        body = (
            b'--kopi\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--kopi--\r\n"
        )
    path = f"/u/{tokens.make(message.pk, Purpose.UNSUBSCRIBE)}/"
    for _ in range(2):
        status, headers, _body = ask(
            served,
            f"POST {path} HTTP/1.1",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            body=body,
        )
        assert status == "200"
        assert "location" not in headers
        assert "set-cookie" not in headers
    assert Subscription.objects.get(subscriber=person).status == SubscriptionStatus.SUBSCRIBED
    stored()
    assert Subscription.objects.get(subscriber=person).status == SubscriptionStatus.UNSUBSCRIBED
    sources = ConsentEvent.objects.filter(subscriber=person, kind="unsubscribed")
    assert [one.source for one in sources] == [ConsentSource.ONE_CLICK]
    assert Event.objects.filter(kind=EventKind.UNSUBSCRIBED).count() == 1


def test_a_post_that_presses_no_button_changes_nothing(
    served: Served, person, message: Message
) -> None:
    path = f"/u/{tokens.make(message.pk, Purpose.UNSUBSCRIBE)}/"
    form = "Content-Type: application/x-www-form-urlencoded"
    status, _headers, _body = ask(
        served, f"POST {path} HTTP/1.1", form, "Content-Length: 3", body=b"a=b"
    )
    assert status == "400"
    forged = f"POST /u/{tokens.make(message.pk, Purpose.TRACK)}/ HTTP/1.1"
    body = b"List-Unsubscribe=One-Click"
    status, _headers, _body = ask(served, forged, form, f"Content-Length: {len(body)}", body=body)
    assert status == "404"
    stored()
    assert Subscription.objects.get(subscriber=person).status == SubscriptionStatus.SUBSCRIBED


def test_a_workspaces_own_domain_has_links_and_nothing_to_sign_in_to(
    served: Served, workspace, message: Message
) -> None:
    from django.utils import timezone

    WorkspaceTracking.objects.create(
        workspace=workspace, domain="klik.kopi.example", domain_works_since=timezone.now()
    )
    host = "Host: klik.kopi.example"

    def get(path: str) -> tuple[str, dict[str, str]]:
        with closing(served.connect()) as visitor:
            lines = (f"GET {path} HTTP/1.1", host, "Connection: close", FIREFOX, LANGUAGE, "", "")
            visitor.sendall("\r\n".join(lines).encode())
            top = read_all(visitor).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return top[0].split()[1], dict(line.lower().split(": ", 1) for line in top[1:])

    deadline = time.monotonic() + 30  # it looks every few seconds
    while get("/sign-in/")[0] != "404" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert get("/sign-in/")[0] == "404"
    assert get("/health/live")[0] == "404"
    assert get(f"/c/{track(message)}/1/")[1]["location"] == "https://kopisenja.example/1"
    status, _headers = get(f"/u/{tokens.make(message.pk, Purpose.UNSUBSCRIBE)}/")
    assert status == "200"


def test_the_same_hit_by_either_way(served: Served, client: Client, message: Message) -> None:
    """What Django's view notes and what the short way notes are alike."""
    path = f"/o/{track(message)}.gif"
    headers = {"user-agent": "Mozilla/5.0 é\t(x)", "accept-language": "id", "accept": "*/*"}
    client.get(path, headers=headers)
    with closing(socket.create_connection(("127.0.0.1", served.port))) as visitor:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        text = served.head(f"GET {path} HTTP/1.1", "Connection: close", *lines)
        visitor.sendall(text.encode("latin-1"))
        read_all(visitor)
    first, second = (hit for _entry, hit in hits.after("0-0", limit=10))
    assert (first.user_agent, first.ip, first.names_language, first.names_accept) == (
        second.user_agent,
        second.ip,
        second.names_language,
        second.names_accept,
    )
