"""Who holds a link: the owner of an address, or whoever got a mail forwarded.

A link inside a letter travels with it, so it may only ever make less mail. Whoever wants more, or
wants to see or change what is known, proves that they read the mailbox now: a link is mailed to the
address and works for an hour (docs/decisions/0040-what-a-forwarded-email-can-do.md).
"""

import secrets
from dataclasses import dataclass

from django.core import signing

from accounts.input.limits import Limit, within
from subscribers.models import Subscriber

SALT = "subscribers.ownership"
GOOD_FOR = 3_600  # seconds
LINKS = Limit(most=3, seconds=GOOD_FOR)  # mailed to one person
HIDDEN = "•••"


@dataclass(frozen=True, kw_only=True)
class OwnersLink:
    """What an owner's link says. ``person`` is None when they were erased or changed address.

    ``message_id`` is the letter that the owner came from, if any; ``is_fresh``: within its hour.
    """

    person: Subscriber | None
    workspace_id: int
    message_id: int | None
    is_fresh: bool


def link_token(person: Subscriber, *, message_id: int | None = None) -> str:
    """Make an owner's token; it must only ever be mailed to the person's address."""
    data = {
        "s": person.pk,
        "w": person.workspace_id,
        "m": message_id,
        "k": bytes(person.address_hash).hex(),
    }
    return signing.dumps(data, salt=SALT)


def is_owners(token: str) -> bool:
    """Tell an owner's token from one of a letter by its form."""
    return ":" in token


def read(token: str) -> OwnersLink | None:
    """Read an owner's token; None when it is damaged or made for something else."""
    try:
        data = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    try:
        signing.loads(token, salt=SALT, max_age=GOOD_FOR)
        is_fresh = True
    except signing.SignatureExpired:
        is_fresh = False
    person = (
        Subscriber.objects.filter(pk=data["s"], workspace_id=data["w"])
        .select_related("workspace")
        .first()
    )
    if person and not secrets.compare_digest(bytes(person.address_hash).hex(), data["k"]):
        person = None
    return OwnersLink(
        person=person, workspace_id=data["w"], message_id=data["m"], is_fresh=is_fresh
    )


def may_mail_link(person: Subscriber) -> bool:
    """Count a mailed link; False when the person had enough. Pages say the same either way.

    Raises:
        redis.RedisError: it can't be counted now.
    """
    return within(LINKS, f"ownership:{person.pk}")


def masked(email: str) -> str:
    """Write an address so that its owner knows it and nobody else learns it: a•••@example.org."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain}"
