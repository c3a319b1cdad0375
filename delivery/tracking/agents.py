"""Who caused an open or a click: a person, a privacy proxy or a scanner.

No single sign is proof, so only signs that people don't give are used: how the request was made,
how it names itself, and how soon after the hand-over it came. `review` adds what is known later.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from crawleruseragents import is_crawler  # type: ignore[import-untyped]  # it has no types

from delivery.states import AgentClass, EventKind

SOONEST_PERSON = 2.0  # seconds after the hand-over; nobody reads faster
# Apple's Mail Privacy Protection loads every image soon after delivery, whether read or not.
APPLE_PROXY = "Mozilla/5.0"
APPLE_NETWORK = ip_network("17.0.0.0/8")
# These fetch an image when a person opens the mail, so they stand for that person. Lists of bots
# name them all the same.
PERSONS_IMAGE_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE).search
# The desktop program showing a mail to its reader; without this word, Office is probing a link.
OUTLOOK = re.compile(r"Microsoft Outlook", re.IGNORECASE).search
GATEWAY = re.compile(
    r"barracuda|proofpoint|urldefense|mimecast|safelinks|ms-?office|microsoft office|"
    r"ironport|fireeye|trellix|forcepoint|messagelabs|symantec|sophos|trend ?micro|"
    r"mailscanner|spamassassin|bitdefender|zscaler|checkpoint|vadesecure|hornetsecurity",
    re.IGNORECASE,
).search


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What one request for a pixel or a link shows of its maker."""

    kind: EventKind
    user_agent: str
    ip: str = ""
    is_head: bool = False
    names_language: bool = True  # it sent Accept-Language, as every browser does
    seconds_after: float | None = None  # since the hand-over; None: not recorded yet


def classify(visit: Visit) -> AgentClass:
    """Say who made this request, as far as the request itself tells."""
    if visit.is_head or not visit.user_agent:
        return AgentClass.SCANNER
    if visit.seconds_after is not None and visit.seconds_after < SOONEST_PERSON:
        return AgentClass.PROXY if _is_apple(visit) else AgentClass.SCANNER
    if visit.kind == EventKind.OPENED:
        return _opener(visit)
    # Privacy proxies load images only: what follows a link under their name is something else.
    if not visit.names_language or visit.user_agent == APPLE_PROXY or is_bot(visit.user_agent):
        return AgentClass.SCANNER
    return AgentClass.HUMAN


def _opener(visit: Visit) -> AgentClass:
    if _is_apple(visit):
        return AgentClass.PROXY
    if PERSONS_IMAGE_PROXY(visit.user_agent) or OUTLOOK(visit.user_agent):
        return AgentClass.HUMAN
    return AgentClass.SCANNER if is_bot(visit.user_agent) else AgentClass.HUMAN


def _is_apple(visit: Visit) -> bool:
    return visit.kind == EventKind.OPENED and (
        visit.user_agent == APPLE_PROXY or _in_apple_network(visit.ip)
    )


@lru_cache(maxsize=4096)
def _in_apple_network(ip: str) -> bool:
    try:
        return ip_address(ip) in APPLE_NETWORK
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Say whether a program names itself as a mail gateway, a crawler or a script."""
    return bool(GATEWAY(user_agent)) or bool(is_crawler(user_agent))
