"""A workspace's own domain for links: looked at safely, and used once it works."""

from email import message_from_bytes

import pytest

from campaigns import queries
from campaigns.models import WorkspaceTracking
from delivery.mime import tokens
from delivery.tracking import domain


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
    import socket
    import ssl
    import threading

    from delivery.sandbox import certificates

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
