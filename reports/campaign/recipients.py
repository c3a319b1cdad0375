"""Every recipient of a campaign with what happened, page by page and as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.background import set_aside
from campaigns.models import Campaign
from delivery.bounce_policy import effects
from delivery.models import Event, Message
from delivery.states import REASONS, Effect, EventKind, MessageState
from subscribers.directory.export import ExportOmissions
from subscribers.models import Subscriber

PAGE = 25
SEARCH_LIMIT = 1000
# What people filter by beside the stored states; each is a column that a later event filled.
LATER = {
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "unsubscribed": "unsubscribed_at",
    "bounced": "bounced_at",
    "complained": "complained_at",
}

# Bounces by what they mean: of mails that came back, and of those refused while they were sent.
BOUNCED = {
    "bounced_hard": [effect.value for effect in effects.HARD],
    "bounced_soft": [effect.value for effect in effects.COUNTED],
    "bounced_blocked": [
        effect.value for effect in (Effect.SENDER_BLOCKED, Effect.AUTH_POLICY, Effect.CONTENT)
    ],
}
_REFUSED = Q(state=MessageState.FAILED)


@dataclass(frozen=True, kw_only=True)
class RecipientsPage:
    """One page of recipients; the keys lead to the pages beside it (None: there is none)."""

    messages: list[Message]
    previous: int | None
    next: int | None


def matching(campaign: Campaign, *, state: str = "", search: str = "") -> QuerySet[Message]:
    """Return the messages in this state (a MessageState's name, or opened, clicked …)."""
    messages = Message.objects.filter(campaign=campaign)
    if state.upper() in MessageState.__members__:
        wanted = MessageState[state.upper()]
        messages = messages.filter(state=wanted)
        if wanted in REASONS:
            # Says again what the state says, in words that the index of exceptions knows.
            messages = messages.filter(reason__in=[int(reason) for reason in REASONS[wanted]])
    elif state in LATER:
        messages = messages.filter(**{f"{LATER[state]}__isnull": False})
        if state == "delivered":  # and not returned later
            messages = messages.filter(bounced_at=None)
    elif state in BOUNCED:
        events = Event.objects.filter(
            campaign=campaign, kind=EventKind.BOUNCED, effect__in=BOUNCED[state]
        )
        messages = messages.filter(
            Q(bounced_at__isnull=False) | _REFUSED, pk__in=events.values("message_id")
        )
    elif state == "not_opened":
        messages = messages.filter(state=MessageState.SENT, opened_at=None)
    if search:
        people = Subscriber.objects.filter(
            workspace_id=campaign.workspace_id, email_key__startswith=search.lower()
        ).values_list("pk", flat=True)[:SEARCH_LIMIT]
        messages = messages.filter(subscriber_id__in=list(people))
    return messages


def page(
    campaign: Campaign,
    *,
    state: str = "",
    search: str = "",
    after: int | None = None,
    before: int | None = None,
) -> RecipientsPage:
    """Return one page in the order of subscribers; found by key, so deep pages cost the same."""
    messages = matching(campaign, state=state, search=search).select_related("reply")
    if before is not None:
        rows = list(
            messages.filter(subscriber_id__lt=before).order_by("-subscriber_id")[: PAGE + 1]
        )
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        previous = rows[0].subscriber_id if more and rows else None
        following = rows[-1].subscriber_id if rows else None
    else:
        if after is not None:
            messages = messages.filter(subscriber_id__gt=after)
        rows = list(messages.order_by("subscriber_id")[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE]
        previous = rows[0].subscriber_id if after is not None and rows else None
        following = rows[-1].subscriber_id if more else None
    attach_people(rows)
    attach_bounces(rows)
    return RecipientsPage(messages=rows, previous=previous, next=following)


def attach_people(messages: list[Message]) -> None:
    """Give each message its ``person`` (None once erased) in one query."""
    people = Subscriber.objects.in_bulk([message.subscriber_id for message in messages])
    for message in messages:
        message.person = people.get(message.subscriber_id)  # type: ignore[attr-defined]  # for pages


def attach_bounces(messages: list[Message]) -> None:
    """Give each message its ``bounce``, why it came back or was refused, in one query."""
    events = Event.objects.filter(
        message_id__in=[message.pk for message in messages], kind=EventKind.BOUNCED
    )
    found: dict[int, Event] = {}
    for event in events.select_related("reply").order_by("effect", "pk"):
        event.why = effects.words(event.cause, event.effect)  # type: ignore[attr-defined]  # for pages
        found.setdefault(event.message_id or 0, event)
    for message in messages:
        message.bounce = found.get(message.pk)  # type: ignore[attr-defined]  # for pages


def rows(campaign: Campaign, *, state: str = "") -> Iterator[list[str]]:
    """Return the file's rows: header first, then one per recipient, a thousand at a time.

    A recipient that can't be read costs their own row alone, which says so, as the last one does.
    """
    return _rows(matching(campaign, state=state).select_related("reply"), ExportOmissions())


def _rows(chosen: QuerySet[Message], left_out: ExportOmissions) -> Iterator[list[str]]:
    yield [
        "email", "first_name", "last_name", "state", "reason", "server_reply", "attempts",
        "last_attempt", "opened", "clicked", "unsubscribed", "bounced", "complained", "delivered",
        "bounce_reason",
    ]  # fmt: skip

    def made(keys: Sequence[int]) -> list[list[str]]:
        messages = list(
            chosen.filter(subscriber_id__gte=keys[0], subscriber_id__lte=keys[-1]).order_by(
                "subscriber_id"
            )
        )
        attach_people(messages)
        attach_bounces(messages)
        return [_row(message) for message in messages]

    def instead(key: int) -> list[list[str]]:
        return [[left_out.one(), str(key)]]

    after = 0
    while True:
        following = chosen.filter(subscriber_id__gt=after).order_by("subscriber_id")
        keys = list(following.values_list("subscriber_id", flat=True)[:1000])
        if not keys:
            break
        after = keys[-1]
        for some in set_aside.making(
            "export", keys, made, instead=instead, name="recipient {}".format
        ):
            yield from some
    if left_out.count:
        yield [left_out.end]


def _row(message: Message) -> list[str]:
    person: Subscriber | None = message.person  # type: ignore[attr-defined]
    bounce: Event | None = message.bounce  # type: ignore[attr-defined]
    moments = (
        message.attempted_at, message.opened_at, message.clicked_at, message.unsubscribed_at,
        message.bounced_at, message.complained_at, message.delivered_at,
    )  # fmt: skip
    return [
        person.email if person else "",
        person.first_name if person else "",
        person.last_name if person else "",
        MessageState(message.state).name.lower(),
        str(message.get_reason_display()) if message.reason else "",
        str(message.reply) if message.reply_id else "",
        str(message.attempts),
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
        bounce.why if bounce else "",  # type: ignore[attr-defined]
    ]
