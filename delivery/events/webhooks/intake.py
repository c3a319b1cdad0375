"""A request's events, kept in one statement; whatever they say is worked on later.

What came twice is kept once. What cannot be read is kept too, and shown: a person can see what it
was, and a later version may read it.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DataError, connection, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from delivery.events.webhooks import reading, sns, splitting
from delivery.events.webhooks.splitting import Said as Raw
from delivery.events.webhooks.splitting import text_of
from delivery.events.webhooks.values import dig, text, word
from delivery.models import SendingAccount, WebhookAddress
from delivery.states import Provider, ProviderEventState

MOST_PAYLOAD: Final = 256 * 1024  # characters of one event
QUIET: Final = timedelta(seconds=10)  # the moment of the last event is exact to this
BY_SNS: Final = frozenset({Provider.AMAZON_SES, Provider.SCALEWAY})
STRANGE: Final = _("It is not in a shape that this provider uses.")
TOO_LARGE: Final = _("It is larger than any event is. Only its beginning is kept.")
TOPIC_ENDED: Final = _("The provider ended the subscription; no more events come.")
PREFIX: Final = "!"  # of payloads that are not whole

INSERT: Final = """
INSERT INTO delivery_providerevent (workspace_id, account_id, key, received_at, at, kind, word,
    event_id, provider_id, recipient, state, message_id, confidence, trouble, part, payload)
SELECT %(workspace)s, %(account)s, new.key, %(now)s, new.at, new.kind, new.word, new.event_id,
    new.provider_id, new.recipient, new.state, NULL, 0, new.trouble, new.part, new.payload
FROM unnest(%(keys)s::bytea[], %(ats)s::timestamptz[], %(kinds)s::smallint[], %(words)s::text[],
    %(event_ids)s::text[], %(provider_ids)s::text[], %(recipients)s::text[], %(states)s::smallint[],
    %(troubles)s::text[], %(parts)s::smallint[], %(payloads)s::text[])
    AS new (key, at, kind, word, event_id, provider_id, recipient, state, trouble, part, payload)
ON CONFLICT (account_id, key) DO NOTHING
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One event as it is written down."""

    key: bytes
    payload: str
    state: ProviderEventState
    at: datetime | None = None
    kind: int = 0
    word: str = ""
    event_id: str = ""
    provider_id: str = ""
    recipient: str = ""
    trouble: str = ""
    part: int = 0


def take(address: WebhookAddress, request: HttpRequest) -> int:
    """Keep the events of a request that has proven who sent it; returns how many it held.

    Raises:
        splitting.UnreadableBodyError: there is no event in it.
        django.db.OperationalError: the database is away; nothing was kept.
    """
    account = address.account
    body = splitting.read(request)
    now = timezone.now()
    if account.provider in BY_SNS and (row := _of_sns(body.value)) is not None:
        rows = [row]
    else:
        said = splitting.events(account.provider, body, request)
        rows = [row for one in said for row in rows_of(account.provider, one)]
    store(account, rows, now)
    note_arrival(address, now)
    if rows and rows[0].word in {sns.CONFIRMATION, sns.ENDED}:
        _note_topic(address, body.value, rows[0])
    return len(rows)


def rows_of(provider: str, one: Raw) -> Iterator[Row]:
    """Yield what is written down of one event: a row for each person it is about."""
    try:
        payload = text_of(one.raw)
    except (RecursionError, ValueError):
        yield _strange(provider, '"?"', one)
        return
    if len(payload) > MOST_PAYLOAD:
        yield _strange(provider, PREFIX + payload[: MOST_PAYLOAD // 16], one, TOO_LARGE)
        return
    try:
        found = reading.read(provider, one.raw, event_id=one.event_id)
    except reading.StrangeEventError:
        yield _strange(provider, payload, one)
        return
    for said in found:
        yield row_of(said, payload)


def row_of(said: reading.Said, payload: str) -> Row:
    """Return what is written down of an event about one person."""
    is_news = said.kind is not None
    return Row(
        key=said.key,
        payload=payload,
        state=ProviderEventState.WAITING if is_news else ProviderEventState.IGNORED,
        at=said.at,
        kind=said.kind.value if said.kind is not None else 0,
        word=said.word,
        event_id=said.event_id,
        provider_id=said.provider_id,
        recipient=said.recipient,
        part=said.part,
    )


def _strange(provider: str, payload: str, one: Raw, trouble: str = STRANGE) -> Row:
    event = dig(one.raw, "event")
    return Row(
        key=reading.key_of(provider, payload, one.event_id),
        payload=payload,
        state=ProviderEventState.FAILED,
        word=word(event or dig(one.raw, "type")),
        event_id=text(one.event_id, 120),
        recipient=text(dig(one.raw, "email"), 320).lower(),
        trouble=trouble,
    )


def _of_sns(value: Any) -> Row | None:
    """Return what SNS says of the topic itself, if it is that."""
    kind = word(dig(value, "Type"))
    if kind not in {sns.CONFIRMATION, sns.ENDED}:
        return None
    is_asked = kind == sns.CONFIRMATION
    payload = text_of(value)
    return Row(
        key=reading.key_of("sns", kind, text(dig(value, "MessageId"))),
        payload=payload if len(payload) <= MOST_PAYLOAD else '"?"',
        state=ProviderEventState.WAITING if is_asked else ProviderEventState.IGNORED,
        word=kind,
        event_id=text(dig(value, "MessageId"), 120),
    )


def _note_topic(address: WebhookAddress, value: Any, row: Row) -> None:
    if row.word == sns.ENDED:
        note_trouble(address, TOPIC_ENDED)
    else:
        topic = text(dig(value, "TopicArn"), 300)
        WebhookAddress.objects.filter(pk=address.pk).update(topic=topic, topic_confirmed_at=None)


def store(account: SendingAccount, rows: Sequence[Row], now: datetime) -> None:
    """Write events down, all that are new, in one statement.

    One that the database cannot take, which nobody has seen yet, leaves the others alone.
    """
    if not rows:
        return
    try:
        # By itself the statement is its own transaction: one way to the database and back.
        within = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with within, connection.cursor() as cursor:
            cursor.execute(INSERT, _columns(account, rows, now))
    except DataError:
        if len(rows) == 1:
            bare = Row(
                key=rows[0].key, payload='"?"', state=ProviderEventState.FAILED, trouble=STRANGE
            )
            store(account, [bare], now)
            return
        middle = len(rows) // 2
        store(account, rows[:middle], now)
        store(account, rows[middle:], now)


def _columns(account: SendingAccount, rows: Sequence[Row], now: datetime) -> dict[str, Any]:
    return {
        "workspace": account.workspace_id,
        "account": account.pk,
        "now": now,
        "keys": [row.key for row in rows],
        "ats": [row.at for row in rows],
        "kinds": [row.kind for row in rows],
        "words": [row.word for row in rows],
        "event_ids": [row.event_id for row in rows],
        "provider_ids": [row.provider_id for row in rows],
        "recipients": [row.recipient for row in rows],
        "states": [row.state.value for row in rows],
        "troubles": [row.trouble for row in rows],
        "parts": [row.part for row in rows],
        "payloads": [row.payload for row in rows],
    }


def note_arrival(address: WebhookAddress, now: datetime) -> None:
    """Note that events came; not each of them, they come by the thousand."""
    last = address.last_event_at
    if last is not None and now - last < QUIET and not address.trouble:
        return
    found = WebhookAddress.objects.filter(pk=address.pk)
    found.filter(first_event_at=None).update(first_event_at=now)
    found.filter(Q(last_event_at=None) | Q(last_event_at__lt=now)).update(last_event_at=now)
    found.exclude(trouble="").update(trouble="", trouble_at=None)


def note_trouble(address: WebhookAddress, words: str) -> None:
    """Note why a request was refused; the same again only after a while."""
    now = timezone.now()
    known = address.trouble == words and address.trouble_at is not None
    if known and address.trouble_at is not None and now - address.trouble_at < QUIET:
        return
    WebhookAddress.objects.filter(pk=address.pk).update(trouble=words, trouble_at=now)
