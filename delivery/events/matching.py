"""Which of our mails a piece of news is about, and how sure that is.

What we signed ourselves is certain; a provider's id is what the provider made; an address alone
says which mail only by what was sent to it lately. Only mails of the news' own workspace are looked
at, whatever the news says. A thousand pieces of news are three queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from delivery.events.feedback import Feedback
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.states import Effect, EventKind, FeedbackSource, MessageState
from subscribers.addresses import addresses
from subscribers.fields.problems import Problem

PROVEN: Final = 100
SIGNED: Final = 95  # our Message-ID, or the header beside it, came back
BY_PROVIDER: Final = 90
BY_PROVIDER_ELSEWHERE: Final = 75  # the provider's id, though it names another recipient: forwarded
BY_PROVIDER_IN_A_MAIL: Final = 70  # the provider's id, as a mail says that anybody can write
ONLY_ONE: Final = 70  # by the address: nothing else was sent to it within `LATELY`
NEWEST: Final = 55
OLD: Final = 40
LEAST: Final = 40  # below, nothing is applied
# Below, what is told stands with the mail, but nothing follows for the person. A provider has shown
# who it is; a mail that comes back has not: anybody can send one that names an address alone.
CONFIDENT: Final = 50
CONFIDENT_OF_A_MAIL: Final = 75
LATELY: Final = timedelta(days=7)
LONGEST_AGO: Final = timedelta(days=30)
AHEAD: Final = timedelta(minutes=10)  # by which clocks may differ
# By then a mail and its provider's id are noted; `webhooks.taking` asks again for somewhat longer.
NOTED: Final = timedelta(minutes=20)

_WHOSE: Final = """
SELECT message.id, message.campaign_id, message.subscriber_id, campaign.workspace_id,
    coalesce(person.id, merged.into_id), coalesce(person.email_key, kept.email_key, ''),
    message.attempted_at, message.provider_id
FROM delivery_message message
JOIN campaigns_campaign campaign ON campaign.id = message.campaign_id
LEFT JOIN subscribers_subscriber person ON person.id = message.subscriber_id
    AND person.workspace_id = campaign.workspace_id
LEFT JOIN subscribers_mergedperson merged ON person.id IS NULL
    AND merged.id = message.subscriber_id AND merged.workspace_id = campaign.workspace_id
LEFT JOIN subscribers_subscriber kept ON kept.id = merged.into_id
"""
_BY_ID: Final = f"{_WHOSE} WHERE message.id = ANY(%(ids)s)"
_BY_PROVIDER_ID: Final = f"""{_WHOSE}
WHERE message.provider_id = ANY(%(ids)s) AND campaign.workspace_id = ANY(%(workspaces)s)
ORDER BY message.id LIMIT %(most)s
"""
_BY_ADDRESS: Final = """
SELECT given.number, message.id, message.campaign_id, message.subscriber_id, given.workspace,
    person.id, person.email_key, message.attempted_at
FROM unnest(%(numbers)s::int[], %(workspaces)s::bigint[], %(keys)s::text[],
    %(until)s::timestamptz[], %(foreign)s::boolean[])
    AS given (number, workspace, key, until, is_of_another_id)
JOIN subscribers_subscriber person
    ON person.workspace_id = given.workspace AND person.email_key = given.key
CROSS JOIN LATERAL (
    SELECT sent.id, sent.campaign_id, sent.subscriber_id, sent.attempted_at
    FROM delivery_message sent
    WHERE sent.subscriber_id = person.id AND sent.state = ANY(%(states)s)
        AND sent.attempted_at <= given.until AND sent.attempted_at > given.until - %(ago)s
        AND NOT (given.is_of_another_id AND sent.provider_id IS NOT NULL)
    ORDER BY sent.id DESC LIMIT 2
) AS message
ORDER BY given.number, message.id DESC
"""
_OUT: Final = [MessageState.SENT.value, MessageState.UNKNOWN.value, MessageState.FAILED.value]
_MOST_OF_A_PROVIDER_ID: Final = 20_000  # a provider that gives all mails one id names none


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The mail that news is about. ``person`` is whose it is now: None once they were erased."""

    message_id: int
    campaign_id: int
    subscriber_id: int
    workspace_id: int
    person: int | None
    address_key: str
    attempted_at: datetime | None
    confidence: int


def find(news: Sequence[Feedback]) -> list[Target | None]:
    """Return the mail of each piece of news, in the same order; None: none is meant."""
    found: list[Target | None] = [None] * len(news)
    for step in (_by_id, _by_provider_id, _by_address):
        rest = {number: one for number, one in enumerate(news) if found[number] is None}
        for number, target in step(rest).items():
            if target.confidence >= LEAST:
                found[number] = target
    return found


def is_confident(one: Feedback, target: Target) -> bool:
    """Say whether something may follow for the person: a suppression, the end of a subscription."""
    is_mail = one.source is FeedbackSource.BOUNCE_MAIL
    return target.confidence >= (CONFIDENT_OF_A_MAIL if is_mail else CONFIDENT)


def signed(header_id: str) -> int | None:
    """Return the message that a Message-ID of ours names; None for one of somebody else."""
    token = header_id.strip("<> ").partition("@")[0]
    return tokens.read(token, Purpose.MESSAGE) if token else None


def key_of(recipient: str) -> str:
    """Return the key of an address of others; "" for what is none."""
    try:
        return addresses.key(recipient.strip("<> "))
    except Problem:
        return ""


def _by_id(news: Mapping[int, Feedback]) -> dict[int, Target]:
    asked: dict[int, tuple[int, int]] = {}
    for number, one in news.items():
        if one.message_id is not None:
            asked[number] = (one.message_id, PROVEN)
        elif (message := signed(one.header_id)) is not None:
            asked[number] = (message, SIGNED)
    if not asked:
        return {}
    rows = _rows(_BY_ID, ids=sorted({message for message, _ in asked.values()}))
    known = {row[0]: _target(row, PROVEN) for row in rows}
    return {
        number: replace(known[message], confidence=confidence)
        for number, (message, confidence) in asked.items()
        if message in known and known[message].workspace_id == news[number].workspace_id
    }


def _by_provider_id(news: Mapping[int, Feedback]) -> dict[int, Target]:
    asked = {number: one for number, one in news.items() if one.provider_id}
    if not asked:
        return {}
    ids = sorted({form for one in asked.values() for form in _forms(one.provider_id)})
    rows = _rows(
        _BY_PROVIDER_ID,
        ids=ids,
        workspaces=sorted({one.workspace_id for one in asked.values()}),
        most=_MOST_OF_A_PROVIDER_ID,
    )
    known: dict[tuple[int, str], list[Target]] = defaultdict(list)
    for row in rows:
        known[row[3], row[7].strip("<>")].append(_target(row, BY_PROVIDER))
    found: dict[int, Target] = {}
    for number, one in asked.items():
        target = _of_provider(one, known[one.workspace_id, one.provider_id.strip("<>")])
        if target is None:
            continue
        if one.source is FeedbackSource.BOUNCE_MAIL:
            target = replace(target, confidence=min(target.confidence, BY_PROVIDER_IN_A_MAIL))
        found[number] = target
    return found


def _of_provider(one: Feedback, known: list[Target]) -> Target | None:
    """Choose among the mails of one provider's id: the recipient's, or the only one there is."""
    key = key_of(one.recipient) if one.recipient else ""
    theirs = [target for target in known if key and target.address_key == key]
    if len(theirs) == 1:
        return theirs[0]
    if len(known) != 1:
        return None
    return replace(known[0], confidence=BY_PROVIDER_ELSEWHERE) if key else known[0]


def _by_address(news: Mapping[int, Feedback]) -> dict[int, Target]:
    asked = {
        number: (one, key)
        for number, one in news.items()
        if one.recipient and _may_mean_an_address(one) and (key := key_of(one.recipient))
    }
    if not asked:
        return {}
    rows = _rows(
        _BY_ADDRESS,
        numbers=list(asked),
        workspaces=[one.workspace_id for one, _key in asked.values()],
        keys=[key for _one, key in asked.values()],
        until=[one.at + AHEAD for one, _key in asked.values()],
        states=_OUT,
        foreign=[_is_of_another_id(one) for one, _key in asked.values()],
        ago=LONGEST_AGO,
    )
    mails: dict[int, list[Target]] = defaultdict(list)
    for number, *row in rows:
        mails[number].append(_target(row, OLD))
    return {
        number: replace(sent[0], confidence=_sure(sent, asked[number][0].at))
        for number, sent in mails.items()
    }


def _is_of_another_id(one: Feedback) -> bool:
    """Say whether a provider speaks of a mail by an id that is none of ours."""
    return one.source is FeedbackSource.PROVIDER and bool(one.provider_id)


def _may_mean_an_address(one: Feedback) -> bool:
    """Say whether the address may stand for the mail.

    Other systems send through the same account, so of a mail with an id that we do not know only
    what is true of the address itself is ours, and only once our own mail would be noted.
    """
    if not _is_of_another_id(one):
        return True
    is_gone = one.kind is EventKind.BOUNCED and one.effect is Effect.ADDRESS_INVALID
    is_of_the_person = is_gone or one.kind is EventKind.COMPLAINED
    return is_of_the_person and one.at <= timezone.now() - NOTED


def _sure(sent: Sequence[Target], at: datetime) -> int:
    """Say how sure it is that the newest mail to an address is meant."""
    lately = [one for one in sent if one.attempted_at and one.attempted_at > at - LATELY]
    if not lately:
        return OLD
    return ONLY_ONE if len(lately) == 1 else NEWEST


def _forms(provider_id: str) -> Iterable[str]:
    """Some providers write their id with angle brackets in one place and without in another."""
    bare = provider_id.strip("<>")
    return (bare, f"<{bare}>")


def _target(row: Sequence[Any], confidence: int) -> Target:
    return Target(
        message_id=row[0],
        campaign_id=row[1],
        subscriber_id=row[2],
        workspace_id=row[3],
        person=row[4],
        address_key=row[5],
        attempted_at=row[6],
        confidence=confidence,
    )


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
