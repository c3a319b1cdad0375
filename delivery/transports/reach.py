"""Where the installation may connect to: the one rule, asked of addresses and never of names.

A name leads where its owner says at that moment, and an address has many spellings; so the rule is
applied to what was looked up, right before it is used. Mail servers may stand in one's own network,
providers only where OWN_PROVIDERS names them.
"""

import ipaddress
import socket
from typing import Final

IPv6Address = ipaddress.IPv6Address
Ip = ipaddress.IPv4Address | IPv6Address

# Addresses that carry an IPv4 address: RFC 6052 §2.1 (NAT64) in their last four bytes.
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Where clouds tell a machine its own secrets, besides link-local addresses (169.254.169.254).
METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)


def address_of(text: str) -> Ip | None:
    """Return the address that these words are, in any notation that a connection takes, or None.

    Besides the usual ones ``inet_aton`` takes 2852039166, 0xa9fea9fe, 0251.0376.0251.0376, 127.1.
    """
    words = text.strip().strip("[]").rstrip(".").partition("%")[0]
    try:
        return ipaddress.ip_address(words)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(words))
    except (OSError, ValueError):
        return None


def carried(address: Ip) -> Ip:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if not isinstance(address, IPv6Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def may_be_mail_server(address: Ip) -> bool:
    """Say whether a mail server may have this address: also one of an inner network."""
    meant = carried(address)
    return not (
        meant.is_link_local or meant.is_multicast or meant.is_unspecified or meant in METADATA
    )


def is_public(address: Ip) -> bool:
    """Say whether this is an address of the internet."""
    meant = carried(address)
    return meant.is_global and not meant.is_multicast and meant not in METADATA
