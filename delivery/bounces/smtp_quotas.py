"""How many mails are taken by SMTP: from a network, for a workspace, about one email.

Whoever has more is asked to come again later. Too many count, too.
"""

import ipaddress
from typing import Final

from accounts.input import limits

HOUR: Final = 3_600
DAY: Final = 86_400
# How many mails in so many seconds, at most; whoever has more comes again later.
OF_A_NETWORK: Final = limits.Limit(most=10_000, seconds=HOUR)
OF_A_WORKSPACE: Final = limits.Limit(most=50_000, seconds=HOUR)
OF_A_MESSAGE: Final = limits.Limit(most=20, seconds=DAY)  # each recipient knows the token of theirs
UNPROVEN: Final = limits.Limit(most=500, seconds=DAY)  # of a workspace


def network_of(peer: str) -> str:
    """Return the network that an address of the internet is counted with, else "".

    A machine of our own network is a mail server of ours, which hands on what all others send.
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if not address.is_global:
        return ""
    bits = 24 if address.version == 4 else 56  # noqa: PLR2004 - the protocol's
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def may_take(workspace_id: int, message_id: int | None) -> bool:
    """Count a mail for a workspace, about an email that a token proves or about none."""
    if message_id is None:
        return _may(UNPROVEN, f"unproven:{workspace_id}")
    # In this order: what is refused for one email leaves room for all others.
    if not _may(OF_A_MESSAGE, f"message:{message_id}"):
        return False
    return _may(OF_A_WORKSPACE, f"workspace:{workspace_id}")


def may_come(peer: str) -> bool:
    """Count a mail that comes from this address."""
    network = network_of(peer)
    return not network or _may(OF_A_NETWORK, f"network:{network}")


def _may(limit: limits.Limit, what: str) -> bool:
    return limits.within(limit, f"bounces-by-smtp:{what}")
