"""Where connections may go is asked of addresses, in whatever way they are written or looked up."""

import socket

import pytest

from delivery.transports import reach
from delivery.transports.smtp.resolver import LookUpError, Resolver
from tests.delivery.accounts.test_accounts import NO_MAIL_SERVERS


@pytest.mark.parametrize("host", NO_MAIL_SERVERS)
def test_addresses_of_no_mail_server_are_known_in_any_notation(host):
    address = reach.address_of(host)
    assert address is not None
    assert not reach.may_be_mail_server(address)
    assert not reach.is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.25", "2130706433", "::1", "8.8.8.8"])
def test_servers_of_ones_own_network_may_send_mail(host):
    address = reach.address_of(host)
    assert address is not None
    assert reach.may_be_mail_server(address)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "::ffff:10.0.0.1"])
def test_no_notation_makes_an_inner_address_public(host):
    address = reach.address_of(host)
    assert address is not None
    assert not reach.is_public(address)


@pytest.mark.parametrize(
    "host", ["smtp.example.com", "bücher.example", "xn--bcher-kva.example", ""]
)
def test_names_are_no_addresses(host):
    assert reach.address_of(host) is None


def test_a_name_that_leads_to_the_metadata_is_not_connected_to(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 25))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    def look_up():
        resolver = Resolver("mail.example.com", 25)
        resolver.addresses()
        resolver.wait(10)
        return [one.where[0] for one in resolver.addresses() or []]

    with pytest.raises(LookUpError, match="No mail server has such an address"):
        look_up()
    found.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.25", 25)))
    assert look_up() == ["192.0.2.25"]
