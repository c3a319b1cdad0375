"""Recording a mail before anything else happens to it, once, however often it comes.

Its digest is that of its lines, so that the same mail fetched twice, or by IMAP and by POP3, is the
same. PostgreSQL compresses what is kept.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from delivery.bounces import showing
from delivery.models import BounceMailbox, ReturnedMail, SendingAccount
from delivery.states import FeedbackSource, ReturnedState

LARGEST: Final = 1024 * 1024  # bytes of a mail that are fetched, read and kept
_KEEP: Final = """
INSERT INTO delivery_returnedmail (
    workspace_id, mailbox_id, account_id, source, received_at, digest, size, raw, envelope_to,
    sender, subject, kind, recipients, state, effect, confidence, verdict, rules_version, trouble
) VALUES (
    %(workspace)s, %(mailbox)s, %(account)s, %(source)s, %(received_at)s, %(digest)s, %(size)s,
    %(raw)s, %(envelope_to)s, %(sender)s, %(subject)s, '', '{}', %(state)s, 0, 0, '', 0, %(trouble)s
) ON CONFLICT (workspace_id, digest) DO NOTHING RETURNING id
"""
_LINE_ENDS: Final = re.compile(rb"\r\n|\r")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The row of a mail, and whether this call made it."""

    row: ReturnedMail
    is_new: bool


def keep(  # noqa: PLR0913 - what is known of it on the way in
    raw: bytes,
    *,
    workspace: Workspace,
    source: FeedbackSource,
    mailbox: BounceMailbox | None = None,
    account: SendingAccount | None = None,
    envelope_to: str = "",
    size: int = 0,
    trouble: str = "",
) -> Kept:
    """Record a mail; if it is known, return its row as it is.

    ``raw`` may be the beginning of a mail of ``size`` bytes. ``trouble``: it could not be taken in;
    then nothing of it is looked at, and it is recorded as failed.
    """
    beginning = raw[:LARGEST]
    digest = digest_of(beginning)
    head = {} if trouble else showing.head_of(beginning)
    owner = account or (mailbox.account if mailbox else None)
    values = {
        "workspace": workspace.pk,
        "mailbox": mailbox.pk if mailbox else None,
        "account": owner.pk if owner else None,
        "source": source,
        "received_at": timezone.now(),
        "digest": digest,
        "size": max(size, len(raw)),
        "raw": beginning,
        "envelope_to": showing.line(envelope_to, 320),
        "sender": showing.line(showing.decoded(head.get("from", "")), 320),
        "subject": showing.line(showing.decoded(head.get("subject", "")), 300),
        "state": ReturnedState.FAILED if trouble else ReturnedState.KEPT,
        "trouble": trouble[:300],
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
        made = cursor.fetchone()
    if made is None:
        found = ReturnedMail.objects.get(workspace=workspace, digest=digest)
        return Kept(row=found, is_new=False)
    named = {name: values[name] for name in ("source", "received_at", "digest", "size", "raw")}
    texts = {
        name: values[name] for name in ("envelope_to", "sender", "subject", "state", "trouble")
    }
    row = ReturnedMail(
        pk=made[0], workspace=workspace, mailbox=mailbox, account=owner, **named, **texts
    )
    row._state.adding = False  # noqa: SLF001 - Django's documented way to say that it is stored
    row._state.db = "default"  # noqa: SLF001
    return Kept(row=row, is_new=True)


def digest_of(raw: bytes) -> bytes:
    """Return 16 bytes that tell this mail from others, whatever its line ends."""
    return blake2b(_LINE_ENDS.sub(b"\n", raw).strip(), digest_size=16).digest()
