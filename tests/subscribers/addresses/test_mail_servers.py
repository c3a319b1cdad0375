"""Asking a real name server on this machine whether domains take mail."""

import socketserver
import threading
from datetime import timedelta

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from django.utils import timezone

from subscribers.addresses import addresses, mail_servers
from subscribers.models import MailDomain, Subscriber
from subscribers.people import people
from subscribers.states import AddressFlag, MailServer

ZONE = {
    ("mx.example", "MX"): "10 mail.mx.example.",
    ("null.example", "MX"): "0 .",
    ("address.example", "A"): "192.0.2.1",
    ("six.example", "AAAA"): "2001:db8::1",
    ("xn--bcher-kva.example", "MX"): "10 mail.mx.example.",
}
NAMES = {name for name, _kind in ZONE} | {"bare.example"}


class Answer(socketserver.BaseRequestHandler):
    """One question."""

    def handle(self):
        """Answer it from the zone."""
        data, socket = self.request
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text().rstrip(".")
        asked: list[str] = getattr(self.server, "asked")  # noqa: B009 - the test's own
        asked.append(name)
        if name == "silent.example":
            return
        response = dns.message.make_response(query)
        kind = dns.rdatatype.to_text(question.rdtype)
        if name == "broken.example":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in NAMES:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif (name, kind) in ZONE:
            response.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", kind, ZONE[name, kind])
            )
        socket.sendto(response.to_wire(), self.client_address)


@pytest.fixture
def name_server():
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Answer) as server:
        setattr(server, "asked", [])  # noqa: B010 - the test's own
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def resolver(name_server, monkeypatch):
    monkeypatch.setattr(mail_servers, "SECONDS", 0.5)
    made = dns.resolver.Resolver(configure=False)
    made.nameservers, made.port = ["127.0.0.1"], name_server.server_address[1]
    return made


def test_each_kind_of_answer_is_understood(resolver):
    assert mail_servers.ask(
        [
            "mx.example",
            "null.example",
            "address.example",
            "six.example",
            "bare.example",
            "gone.example",
            "broken.example",
            "silent.example",
            "bücher.example",
        ],
        resolver=resolver,
    ) == {
        "mx.example": MailServer.FOUND,
        "null.example": MailServer.NONE,
        "address.example": MailServer.FOUND,
        "six.example": MailServer.FOUND,
        "bare.example": MailServer.NONE,
        "gone.example": MailServer.NONE,
        "broken.example": MailServer.UNKNOWN,
        "silent.example": MailServer.UNKNOWN,
        "bücher.example": MailServer.FOUND,
    }


def add(workspace, *emails):
    for email in emails:
        people.add(workspace, address=addresses.normalise(email))


def flags():
    return dict(Subscriber.objects.values_list("email_key", "address_flags"))


def test_everybody_of_a_domain_is_flagged_and_asked_about_once(workspace, resolver, name_server):
    add(workspace, "a@null.example", "b@null.example", "c@mx.example", "d@broken.example")
    Subscriber.objects.filter(email_key="a@null.example").update(address_flags=AddressFlag.ROLE)
    mail_servers.check(workspace, resolver=resolver)
    assert flags() == {
        "a@null.example": 9,
        "b@null.example": 8,
        "c@mx.example": 0,
        "d@broken.example": 0,
    }
    asked = len(name_server.asked)
    add(workspace, "e@null.example")
    mail_servers.check(workspace, resolver=resolver)
    assert len(name_server.asked) == asked
    assert flags()["e@null.example"] == 8


def test_a_domain_that_takes_mail_again_loses_the_flag_and_trouble_changes_nothing(
    workspace, resolver
):
    add(workspace, "a@mx.example", "b@broken.example")
    Subscriber.objects.update(address_flags=AddressFlag.NO_MAIL_SERVER)
    for name in ("mx.example", "broken.example"):
        MailDomain.objects.create(
            name=name,
            answer=MailServer.NONE,
            checked_at=timezone.now() - timedelta(days=40),
        )
    mail_servers.check(workspace, resolver=resolver)
    assert flags() == {"a@mx.example": 0, "b@broken.example": 8}


def test_a_workspace_that_does_not_want_it_has_no_flags(workspace):
    add(workspace, "a@mx.example")
    Subscriber.objects.update(address_flags=AddressFlag.NO_MAIL_SERVER | AddressFlag.TYPO)
    mail_servers.clear(workspace)
    assert flags() == {"a@mx.example": 4}
