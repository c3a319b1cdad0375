"""A workspace's own domain for links: looked at safely, and used once it works."""

import socket
import ssl
import threading
from contextlib import closing, suppress
from email import message_from_bytes

import pytest
from django.utils import timezone

from accounts.input.limits import Limit
from campaigns import queries
from campaigns.models import WorkspaceTracking
from delivery.forms.tracking import TrackingForm
from delivery.mime import tokens
from delivery.sandbox import certificates
from delivery.tracking import domain
from delivery.views import tracking_settings


@pytest.fixture
def tracking(workspace):
    return WorkspaceTracking.objects.create(workspace=workspace, domain="klik.kopi.example")


def records(monkeypatch, alias, *addresses):
    monkeypatch.setattr(domain, "_records", lambda _name: (alias, list(addresses)))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"]
)
def test_nobody_is_led_into_our_own_network(monkeypatch, tracking, address):
    def ask(*_):
        pytest.fail("it was asked")

    records(monkeypatch, "news.example", "93.184.215.14", address)
    monkeypatch.setattr(domain, "_ask", ask)
    steps = domain.check(tracking)
    assert [step.is_right for step in steps] == [True, False]
    assert address in steps[1].found
    assert queries.tracking_url(tracking.workspace) == ""


@pytest.mark.parametrize(
    ("answer", "works"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nGIF89a\x01", True),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", False),
        (b"HTTP/1.1 404 Not Found\r\n\r\nGIF89a", False),
        (b"", False),
    ],
)
def test_links_are_made_with_it_once_we_answer_there(monkeypatch, tracking, answer, works):
    records(monkeypatch, "news.example", "93.184.215.14")
    monkeypatch.setattr(domain, "_ask", lambda *_: answer)
    domain.check(tracking)
    assert bool(queries.tracking_url(tracking.workspace)) is works
    assert domain.hosts() == (frozenset({"klik.kopi.example"}) if works else frozenset())
    monkeypatch.setattr(domain, "_ask", lambda *_: b"")
    domain.check(WorkspaceTracking.objects.get(pk=tracking.pk))
    assert bool(queries.tracking_url(tracking.workspace)) is works  # a moment's trouble


def test_a_real_server_with_a_certificate_that_nobody_knows(monkeypatch, settings):
    """TLS on loopback: the certificate is judged for the domain's name."""
    settings.OWN_PROVIDERS = ["klik.kopi.example"]
    server = certificates.context("good")
    records(monkeypatch, "", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve():
            plain, _address = listener.accept()
            with plain, pytest.raises((ssl.SSLError, OSError)):
                server.wrap_socket(plain, server_side=True).recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        steps = list(domain.look("klik.kopi.example", port=listener.getsockname()[1]))
        thread.join()
    assert "certificate" in steps[1].found


def test_the_form_takes_no_domain_of_ours(owner_client, workspace):
    for name in (domain.home(), "127.0.0.1", "not a domain", "a..b", "x" * 300 + ".example"):
        answer = owner_client.post(
            f"/{workspace.slug}/settings/tracking/", {"mode": "individual", "domain": name}
        )
        assert answer.status_code == 200, name
    assert not WorkspaceTracking.objects.exists()


@pytest.mark.parametrize(
    ("allowed", "name", "is_taken"),
    [
        (["*"], "klik.kopi.example", True),
        (["*"], "warta.kopi.example", False),
        (["*"], "news.kopi.example", False),  # the request's own
        ([".kopi.example"], "klik.kopi.example", False),
        ([".kopi.example"], "kopi.example", False),
        ([".kopi.example"], "klik.teh.example", True),
        (["warta.kopi.example"], "klik.kopi.example", True),
    ],
)
def test_no_name_is_taken_under_which_people_sign_in(workspace, settings, allowed, name, is_taken):
    settings.ALLOWED_HOSTS = allowed
    settings.SITE_URL = "https://warta.kopi.example"
    given = {"mode": "individual", "domain": name}
    stored = queries.tracking_of(workspace)
    form = TrackingForm(given, instance=stored, host="news.kopi.example:8000")
    assert form.is_valid() is is_taken
    assert ("domain" in form.errors) is not is_taken


@pytest.mark.parametrize(
    ("host", "site_url"),
    [
        ("0.0.0.0", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("10.0.0.8", "http://10.0.0.8"),
        ("warta.kopi.example", "http://warta.kopi.example:8000"),  # nobody set it
    ],
)
def test_answering_to_any_name_it_has_to_know_its_own_first(workspace, settings, host, site_url):
    settings.ALLOWED_HOSTS = ["*"]
    settings.HOST, settings.PORT, settings.SITE_URL = host, 8000, site_url
    given = {"mode": "individual", "domain": "klik.teh.example"}
    form = TrackingForm(given, instance=queries.tracking_of(workspace))
    assert "SITE_URL" in form.errors["domain"][0]


def test_the_page_takes_no_name_that_it_was_opened_under(owner_client, workspace, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://warta.kopi.example"
    answer = owner_client.post(
        f"/{workspace.slug}/settings/tracking/",
        {"mode": "individual", "domain": "news.kopi.example"},
        headers={"host": "news.kopi.example"},
    )
    assert answer.status_code == 200
    assert not WorkspaceTracking.objects.exists()


def test_a_name_that_became_ours_locks_nobody_out(tracking, settings):
    WorkspaceTracking.objects.update(domain_works_since=timezone.now())
    assert domain.hosts() == {"klik.kopi.example"}
    settings.ALLOWED_HOSTS = [".kopi.example"]
    assert domain.hosts() == frozenset()


def test_checks_are_counted(owner_client, workspace, tracking, monkeypatch):
    monkeypatch.setattr(tracking_settings, "TESTS", Limit(most=2, seconds=600))
    records(monkeypatch, "", "10.0.0.8")
    address = f"/{workspace.slug}/settings/tracking/check/"
    answers = [owner_client.post(address).status_code for _ in range(3)]
    assert answers == [200, 200, 302]


@pytest.mark.parametrize("pieces", ["of the handshake", "of the answer"])
def test_a_server_that_drips_is_left_in_time(monkeypatch, settings, pieces):
    """Each piece comes within the time for one; all of them would take for ever."""
    settings.OWN_PROVIDERS = ["klik.kopi.example"]
    monkeypatch.setattr(domain, "SECONDS_IN_ALL", 0.5)
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(ssl, "create_default_context", lambda: client)
    server = certificates.context("good")
    records(monkeypatch, "", "127.0.0.1")
    is_over = threading.Event()
    sent = []

    def serve(listener):
        peer, _address = listener.accept()
        with suppress(OSError), closing(peer):
            if pieces == "of the answer":
                peer = server.wrap_socket(peer, server_side=True)
            else:
                peer.sendall(b"\x16\x03\x03\x40\x00")
            while not is_over.wait(0.05) and len(sent) < 1_000:
                peer.sendall(b"x")
                sent.append(1)
            peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        steps = list(domain.look("klik.kopi.example", port=listener.getsockname()[1]))
        is_over.set()
        thread.join()
    assert "TimeoutError" in steps[1].found
    assert sent


def test_links_and_pixels_begin_with_it_and_unsubscribing_does_not(workspace):
    from campaigns.rendering.compile import Writing, compile_content
    from campaigns.rendering.values import merge_tags
    from campaigns.states import ContentKind
    from delivery.mime.recipient import Recipient
    from delivery.mime.render import render
    from delivery.mime.skeleton import compile_message

    writing = Writing(
        kind=ContentKind.MARKDOWN,
        subject="Halo",
        source="{% if first_name %}x{% endif %} [baca](https://kopisenja.example/1)",
    )
    message = compile_message(
        compile_content(writing, merge_tags(workspace)),
        from_email="a@b.example",
        site_url="https://news.example",
        track_url="https://klik.kopi.example",
    )
    recipient = Recipient(message_id=5, subscriber_id=1, email="ana@example.org")
    mail = message_from_bytes(render(message, recipient).data)
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    data = mail["List-Unsubscribe"] + b"".join(parts).decode()
    token = tokens.make(5, tokens.Purpose.TRACK)
    assert f"https://klik.kopi.example/c/{token}/1/" in data
    assert f"https://klik.kopi.example/o/{token}.gif" in data
    assert "<https://news.example/u/" in data
    assert "klik.kopi.example/u/" not in data


def test_the_page_shows_the_record_and_what_was_found(
    owner_client, workspace, tracking, monkeypatch
):
    address = f"/{workspace.slug}/settings/tracking/"
    page = owner_client.get(address)
    assert page.status_code == 200
    assert "klik.kopi.example" in page.text
    records(monkeypatch, "", "10.0.0.8")
    assert "10.0.0.8" in owner_client.post(f"{address}check/").text
    saved = {"mode": "anonymous", "needs_consent": "on", "domain": "klik.kopi.example"}
    assert owner_client.post(address, saved).status_code == 302
    tracking.refresh_from_db()
    assert (tracking.mode, tracking.needs_consent) == ("anonymous", True)
