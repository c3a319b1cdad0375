"""Which email a returned mail is about, proven by a token of ours that came back with it.

A token is signed for one message and one purpose (`delivery.mime.tokens`). One that belongs to
another workspace proves nothing here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accounts.models import Workspace
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Message

MOST: Final = 20  # candidates that are tried; each costs a microsecond, a hostile mail has many
_RETURN_PATH: Final = re.compile(r"^bounce\+([a-z2-7]{26})(?:@|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A message of the ledger, and the workspace that it belongs to."""

    message_id: int
    workspace_id: int


def token_of_address(address: str) -> str:
    """Return the token in a return path of ours (``bounce+…@domain``), or ""."""
    found = _RETURN_PATH.match(address.strip().strip("<>"))
    return found[1].lower() if found else ""


def number(candidate: str) -> int | None:
    """Return the message's id that a token proves, whatever workspace it is of; else None."""
    return tokens.read(candidate, Purpose.BOUNCE) or tokens.read(candidate, Purpose.MESSAGE)


def message(candidates: Iterable[str]) -> Proof | None:
    """Return the first message that a candidate proves and that is still in the ledger."""
    numbers = [found for one in list(candidates)[:MOST] if (found := number(one)) is not None]
    rows = Message.objects.filter(pk__in=numbers).values_list("pk", "campaign__workspace")
    workspaces = dict(rows)
    for one in numbers:
        if one in workspaces:
            return Proof(message_id=one, workspace_id=workspaces[one])
    return None


def of_workspace(candidates: Iterable[str], workspace: Workspace | int) -> int | None:
    """Return the first message of this workspace that a candidate proves."""
    key = workspace if isinstance(workspace, int) else workspace.pk
    numbers = [found for one in list(candidates)[:MOST] if (found := number(one)) is not None]
    known = set(
        Message.objects.filter(pk__in=numbers, campaign__workspace=key).values_list("pk", flat=True)
    )
    return next((one for one in numbers if one in known), None)
