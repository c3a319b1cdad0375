"""Answers a mail of the sandbox as its recipient's world would, over the real return path.

What comes back as mail goes to the same intake as mail from a bounce mailbox; opens, clicks and
one-click unsubscriptions are taken in as those of readers are. So whatever is counted afterwards is
counted by the product itself, and nothing here writes it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from campaigns.models import Link
from delivery.bounces import intake
from delivery.models import Message, SandboxMessage
from delivery.public import message_link, unsubscribing
from delivery.sandbox import answers, links_in
from delivery.sandbox.parts import Mail
from delivery.states import EventKind, FeedbackSource, SandboxAnswer
from delivery.tracking import collect
from delivery.tracking.hits import Hit
from subscribers.states import ConsentSource

MAILED: Final = answers.MAILED
MOST_NOTED: Final = 50  # answers that a mail's page lists
_NOTE: Final = """
UPDATE delivery_sandboxmessage SET answers = answers || %s::jsonb
WHERE id = %s AND jsonb_array_length(answers) < %s
"""


class CannotAnswerError(Exception):
    """This mail cannot be answered so; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who opens or clicks, as requests show it; addresses are those set aside for examples."""

    key: str
    label: Any
    user_agent: str
    ip: str
    names_language: bool = True


VISITORS: Final = {
    one.key: one
    for one in (
        Visitor(
            key="person",
            label=gettext_lazy("A person with a browser"),
            user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
            "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            ip="203.0.113.7",
        ),
        Visitor(
            key="phone",
            label=gettext_lazy("A person on a phone"),
            user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) "
            "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            ip="203.0.113.8",
        ),
        Visitor(
            key="gmail",
            label=gettext_lazy("A person in Gmail"),
            user_agent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 "
            "(via ggpht.com GoogleImageProxy)",
            ip="203.0.113.9",
        ),
        Visitor(
            key="apple",
            label=gettext_lazy("Apple's privacy proxy"),
            user_agent="Mozilla/5.0",
            ip="17.58.0.1",
            names_language=False,
        ),
        Visitor(
            key="scanner",
            label=gettext_lazy("A security scanner"),
            user_agent="Mozilla/5.0 (compatible; Barracuda Sentinel/1.0)",
            ip="198.51.100.20",
            names_language=False,
        ),
    )
}
PERSON: Final = VISITORS["person"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Possible:
    """What a mail can be answered with: as mail, with an open, with clicks, with one click."""

    by_mail: bool
    open: bool
    clicks: tuple[links_in.Link, ...]
    one_click: str

    @property
    def nothing(self) -> bool:
        """Whether there is no way to answer."""
        return not (self.by_mail or self.open or self.clicks or self.one_click)


def ledger_message(mail: SandboxMessage) -> Message | None:
    """Return the ledger's message that a mail is, if it is one of its own workspace."""
    if mail.ledger_id is None or mail.workspace_id is None:
        return None
    found = Message.objects.filter(pk=mail.ledger_id, campaign__workspace=mail.workspace_id)
    return found.select_related("campaign").first()


def targets_of(message: Message | None) -> dict[int, str]:
    """Return where the links of a message's campaign lead, as they were written, by number."""
    if message is None:
        return {}
    return dict(Link.objects.filter(campaign=message.campaign_id).values_list("ordinal", "url"))


def possible(mail: SandboxMessage, content: Mail, message: Message | None) -> Possible:
    """Say how a mail can be answered."""
    ledger_id = message.pk if message else None
    found, _more = links_in.links_of(content, ledger_id, targets_of(message))
    return Possible(
        by_mail=bool(mail.workspace_id and mail.envelope_from),
        open=links_in.pixel_of(content, ledger_id),
        clicks=tuple(link for link in found if link.ordinal),
        one_click=links_in.one_click_of(content, ledger_id) if ledger_id else "",
    )


def by_mail(mail: SandboxMessage, content: Mail, answer: SandboxAnswer) -> None:
    """Send a mail's answer to its return path; to be called outside of transactions.

    Raises:
        CannotAnswerError: it has no return path, as mails that must not be answered have.
    """
    if mail.workspace is None or not mail.envelope_from:
        raise CannotAnswerError(_("This email has no return path, so nothing can come back."))
    raw = answers.make(
        answer,
        answers.Original(
            return_path=mail.envelope_from,
            recipient=mail.envelope_to,
            head=content.head,
            received_at=mail.received_at,
        ),
        now=timezone.now(),
    )
    hand_in(raw, workspace=mail.workspace, envelope_to=mail.envelope_from)


def hand_in(raw: bytes, *, workspace: Workspace, envelope_to: str) -> None:
    """Hand a mail that came back to the intake of such mails."""
    intake.take(raw, workspace=workspace, source=FeedbackSource.SANDBOX, envelope_to=envelope_to)


def visit(message: Message, visitor: Visitor, *, ordinal: int = 0) -> None:
    """Open a message as somebody, or click its link of that number."""
    collect.note(
        Hit(
            message_id=message.pk,
            kind=EventKind.CLICKED if ordinal else EventKind.OPENED,
            at=timezone.now(),
            ordinal=ordinal,
            user_agent=visitor.user_agent,
            ip=visitor.ip,
            names_language=visitor.names_language,
        )
    )


def unsubscribe(message: Message) -> bool:
    """Unsubscribe as a mail program's button does; False: the person was on none of its lists."""
    reader = message_link.of_message(message.pk)
    if reader is None:
        return False
    left = unsubscribing.leave(
        reader, source=ConsentSource.ONE_CLICK, ip=PERSON.ip, user_agent=PERSON.user_agent
    )
    return bool(left)


def note(mail: SandboxMessage, answer: SandboxAnswer, *, by: str = "", detail: str = "") -> None:
    """Keep on the mail what it was answered with, and by whom; "" by its address itself."""
    entry = {
        "answer": int(answer),
        "at": timezone.now().isoformat(),
        "by": by[:150],
        "detail": detail[:200],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [json.dumps([entry]), mail.pk, MOST_NOTED])


def noted(mail: SandboxMessage) -> Iterator[dict[str, Any]]:
    """Yield what a mail was answered with, the newest first, ready to be shown."""
    for entry in reversed(mail.answers):
        yield {
            **entry,
            "label": SandboxAnswer(entry["answer"]).label,
            "moment": datetime.fromisoformat(entry["at"]),
        }
