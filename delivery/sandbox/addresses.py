"""Addresses that misbehave, to try out what else may become of a mail.

Each also with ``+anything`` before the ``@``. The first two tables are what the server does while
the mail is handed over; the third is what comes back some seconds later, over the same return path
that a real bounce takes (`follow_up`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from delivery.states import SandboxAnswer

DOMAIN: Final = "sandbox.example"
REFUSED: Final = {
    f"bounce@{DOMAIN}": "550 5.1.1 there is no such mailbox",
    f"blocked@{DOMAIN}": "550 5.7.1 refused as spam",
    f"full@{DOMAIN}": "452 4.2.2 the mailbox is full",
}
TREATED: Final = {
    f"greylist@{DOMAIN}": "greylist",
    f"slow@{DOMAIN}": "slow",
    f"vanish@{DOMAIN}": "hang_up",
}
ANSWERED: Final = {
    "bounce-later": SandboxAnswer.NO_MAILBOX,
    "full-later": SandboxAnswer.MAILBOX_FULL,
    "blocked-later": SandboxAnswer.SPAM,
    "delayed": SandboxAnswer.DELAYED,
    "complains": SandboxAnswer.COMPLAINT,
    "away": SandboxAnswer.AUTO_REPLY,
    "opens": SandboxAnswer.OPEN,
    "clicks": SandboxAnswer.CLICK,
    "leaves": SandboxAnswer.ONE_CLICK,
}
_WHILE_SENDING: Final = {
    "bounce": _("Refused at once: no such mailbox. Failed, and suppressed."),
    "blocked": _("Refused at once as spam. Failed; nobody is suppressed."),
    "full": _("Refused for now: mailbox full. Tried again for as long as Warta tries."),
    "greylist": _("Refused at the first attempt, accepted later."),
    "slow": _("Answers after five seconds."),
    "vanish": _("Takes the email and hangs up without an answer: unknown."),
}
_LATER: Final = {
    SandboxAnswer.NO_MAILBOX: _("Accepted, then a bounce comes back: no such mailbox."),
    SandboxAnswer.MAILBOX_FULL: _("Accepted, then a bounce comes back: mailbox full."),
    SandboxAnswer.SPAM: _("Accepted, then a bounce comes back: refused as spam."),
    SandboxAnswer.DELAYED: _("Accepted, then a notice that delivery is delayed."),
    SandboxAnswer.COMPLAINT: _("Accepted, then reported as spam."),
    SandboxAnswer.AUTO_REPLY: _("Accepted, then an out-of-office reply."),
    SandboxAnswer.OPEN: _("Accepted, then opened by a person."),
    SandboxAnswer.CLICK: _("Accepted, then opened, and the first link clicked."),
    SandboxAnswer.ONE_CLICK: _("Accepted, then unsubscribed with the mail program's button."),
}


@dataclass(frozen=True, slots=True)
class Misbehaving:
    """An address and, in words, what becomes of mail to it."""

    address: str
    sentence: str
    is_later: bool


def answer_of(address: str) -> SandboxAnswer | None:
    """Return what an address answers by itself once it has the mail."""
    local, _at, domain = address.lower().rpartition("@")
    return ANSWERED.get(local.partition("+")[0]) if domain == DOMAIN else None


def every() -> Iterator[Misbehaving]:
    """Yield all of them, for people to read."""
    for name, sentence in _WHILE_SENDING.items():
        yield Misbehaving(f"{name}@{DOMAIN}", str(sentence), is_later=False)
    for name, answer in ANSWERED.items():
        yield Misbehaving(f"{name}@{DOMAIN}", str(_LATER[answer]), is_later=True)
