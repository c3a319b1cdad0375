"""A workspace's numbers, and the addresses and domains that bounces never suppress."""

from collections.abc import Iterable

from delivery.models import BounceException, BouncePolicy
from subscribers.addresses import addresses

MOST_EXCEPTIONS = 1_000


def of(workspace_id: int) -> BouncePolicy:
    """Return a workspace's policy; the defaults, unsaved, where nobody has changed anything."""
    found = BouncePolicy.objects.filter(workspace_id=workspace_id).first()
    return found or BouncePolicy(workspace_id=workspace_id)


def excepted(workspace_id: int, keys: Iterable[str]) -> set[str]:
    """Return those of these addresses (by key) that bounces never suppress."""
    asked = set(keys)
    if not asked:
        return set()
    rows = BounceException.objects.filter(
        workspace_id=workspace_id, value__in=asked | {domain_of(key) for key in asked}
    )
    values = set(rows.values_list("value", flat=True))
    return {key for key in asked if key in values or domain_of(key) in values}


def domain_of(key: str) -> str:
    """Return the domain of an address."""
    return key.rpartition("@")[2]


def read(text: str) -> str:
    """Read what somebody typed as an exception: an address's key, or a domain.

    Raises:
        Problem: it can be neither; the code says why.
    """
    given = text.strip().lower()
    local, at, domain = given.rpartition("@")
    if at and local:
        return addresses.key(given)
    return addresses.read_domain(domain.strip(".")).name
