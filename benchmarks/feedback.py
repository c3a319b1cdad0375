"""How fast news of mails is applied: ``python -m benchmarks.feedback``.

On a database of its own, with a campaign of many mails: deliveries found by a provider's id,
deliveries found by our Message-ID, a mixture as it comes back (deliveries, bounces of each kind,
complaints, delays), and the same mixture told once more.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._machine import figure

if TYPE_CHECKING:
    from delivery.events.feedback import Feedback

PEOPLE = 40_000
PART = 10_000


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        workspace, messages = _ledger()
        news = _News(workspace)
        _measure("feedback_by_provider_id", news.by_provider_id(messages[:PART]))
        _measure("feedback_by_message_id", news.by_header(messages[PART : 2 * PART]))
        mixed = news.mixed(messages[2 * PART : 3 * PART])
        _measure("feedback_mixed", mixed)
        _measure("feedback_told_again", mixed)


def _measure(name: str, news: "Sequence[Feedback]") -> None:
    from delivery.events import applying

    start = time.perf_counter()
    taken = applying.apply(news)
    seconds = time.perf_counter() - start
    assert all(one.message_id for one in taken)  # noqa: S101 - else nothing was measured
    figure(name, len(news) / seconds, "news/s")


def _ledger() -> tuple[int, list[int]]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Workspace
    from campaigns.models import Campaign
    from delivery.models import Message
    from delivery.states import MessageState
    from subscribers.addresses import addresses
    from subscribers.models import MailingList, Subscriber, Subscription

    call_command("migrate", verbosity=0)
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    mailing_list = MailingList.objects.create(workspace=workspace, name="All")
    campaign = Campaign.objects.create(workspace=workspace, name="Bench")
    secret = bytes(workspace.address_key)

    def person(number: int) -> Subscriber:
        key = f"reader{number}@example{number % 997}.org"
        digest = addresses.address_hash(key, secret=secret)
        return Subscriber(
            workspace=workspace, email=key, email_key=key, address_hash=digest, domain_group=0
        )

    people = Subscriber.objects.bulk_create(map(person, range(PEOPLE)), batch_size=5_000)
    Subscription.objects.bulk_create(
        [
            Subscription(
                workspace=workspace, list=mailing_list, subscriber=one, status="subscribed"
            )
            for one in people
        ],
        batch_size=5_000,
    )
    sent_at = timezone.now() - timedelta(hours=1)
    messages = Message.objects.bulk_create(
        [
            Message(
                campaign=campaign,
                subscriber=one,
                state=MessageState.SENT,
                attempts=1,
                attempted_at=sent_at + timedelta(milliseconds=number),
                provider_id=f"provider-{one.pk}",
            )
            for number, one in enumerate(people)
        ],
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return workspace.pk, [message.pk for message in messages]


class _News:
    """Makes news of mails, each with a key of its own."""

    def __init__(self, workspace: int) -> None:
        self._workspace = workspace
        self._number = 0

    def by_provider_id(self, messages: Sequence[int]) -> "list[Feedback]":
        from delivery.models import Message

        ids = dict(Message.objects.filter(pk__in=messages).values_list("pk", "provider_id"))
        return [self._one(provider_id=str(ids[message])) for message in messages]

    def by_header(self, messages: Sequence[int]) -> "list[Feedback]":
        from delivery.mime import tokens

        return [
            self._one(header_id=f"{tokens.make(message, tokens.Purpose.MESSAGE)}@example.org")
            for message in messages
        ]

    def mixed(self, messages: Sequence[int]) -> "list[Feedback]":
        """Of a hundred mails: 90 delivered, 3 delayed, 3 gone, 2 full, 1 refused, 1 a complaint."""
        from delivery.states import Effect, EventKind

        kinds: list[tuple[EventKind, Effect, int, str]] = [
            *[(EventKind.DELIVERED, Effect.NONE, 250, "2.0.0")] * 90,
            *[(EventKind.DELAYED, Effect.DELAY, 451, "4.4.1")] * 3,
            *[(EventKind.BOUNCED, Effect.ADDRESS_INVALID, 550, "5.1.1")] * 3,
            *[(EventKind.BOUNCED, Effect.MAILBOX_FULL, 552, "5.2.2")] * 2,
            (EventKind.BOUNCED, Effect.SENDER_BLOCKED, 554, "5.7.1"),
            (EventKind.COMPLAINED, Effect.COMPLAINT, 0, ""),
        ]
        found = []
        for number, message in enumerate(messages):
            kind, effect, code, enhanced = kinds[number % len(kinds)]
            found.append(
                self._one(
                    kind=kind,
                    effect=effect,
                    code=code,
                    enhanced=enhanced,
                    text="What the server said",
                    message_id=message,
                )
            )
        return found

    def _one(self, **fields: Any) -> "Feedback":
        from django.utils import timezone

        from delivery.events.feedback import Feedback
        from delivery.states import EventKind, FeedbackSource

        self._number += 1
        values: dict[str, Any] = {
            "key": self._number.to_bytes(16, "big"),
            "kind": EventKind.DELIVERED,
            "at": timezone.now(),
            "source": FeedbackSource.PROVIDER,
            "workspace_id": self._workspace,
        }
        return Feedback(**(values | fields))


if __name__ == "__main__":
    main()
