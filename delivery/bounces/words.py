"""Rules of words that members of a workspace made: plain words contained in a mail, no patterns.

They are asked only about mails that the product's own rules do not understand.
"""

import re
from collections.abc import Sequence
from typing import Final

from accounts.models import Workspace
from delivery.bounces import showing
from delivery.models import ReturnedMail, WordRule
from delivery.states import Verdict
from subscribers.models import Subscriber

SHORTEST: Final = 8  # characters: fewer would fit every other mail
MOST_RULES: Final = 200
MOST_ADDRESSES: Final = 50  # that are looked for in one mail
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


def folded(text: str) -> str:
    """Return text as words are compared: small letters, one blank between words."""
    return " ".join(text.casefold().split())


def verdict_of(rules: Sequence[WordRule], *, subject: str, raw: bytes) -> Verdict | None:
    """Return what the first rule whose words stand in a mail says, or None."""
    if not rules:
        return None
    text = folded(f"{subject}\n{showing.text_of(raw)}")
    for rule in rules:
        if rule.words and folded(rule.words) in text:
            return Verdict(rule.verdict)
    return None


def rules_of(workspace: Workspace | int) -> list[WordRule]:
    """Return a workspace's rules in the order in which they are asked."""
    return list(WordRule.objects.filter(workspace=workspace).order_by("pk")[:MOST_RULES])


def only_person(row: ReturnedMail) -> str:
    """Return the address of the only subscriber whom a mail names, or "" for none or several."""
    text = f"{row.subject}\n{showing.text_of(bytes(row.raw))}"
    named = list(dict.fromkeys(_ADDRESS.findall(text)))[:MOST_ADDRESSES]
    keys = {address.strip(".").lower() for address in named}
    known = Subscriber.objects.filter(workspace=row.workspace_id, email_key__in=keys)
    people = list(known.values_list("email", flat=True)[:2])
    return people[0] if len(people) == 1 else ""


def stand_in(given: str, row: ReturnedMail) -> bool:
    """Say whether words stand in a mail, as rules compare them."""
    return folded(given) in folded(f"{row.subject}\n{showing.text_of(bytes(row.raw))}")
