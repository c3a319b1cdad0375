"""The consent ledger: who agreed to or left what, when, how and from where. Only ever added to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Required, TypedDict

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User, Workspace
from subscribers.consent import suppression
from subscribers.models import ConsentEvent, ConsentStatement, Subscriber
from subscribers.states import ConsentKind, ConsentSource

LONGEST_USER_AGENT = 300
LONGEST_DETAIL = 300
# Of the person, by whatever hand: nobody undoes what came about so.
OWN_ACTS = (
    ConsentSource.FORM,
    ConsentSource.PREFERENCES,
    ConsentSource.UNSUBSCRIBE_PAGE,
    ConsentSource.ONE_CLICK,
    ConsentSource.COMPLAINT,
    ConsentSource.PROVIDER,
    ConsentSource.MAIL,
)
LEAVING = (ConsentKind.UNSUBSCRIBED, ConsentKind.LEFT_AGAIN)
JOINING = (
    ConsentKind.ASKED,
    ConsentKind.CONFIRMED,
    ConsentKind.SUBSCRIBED,
    ConsentKind.RESUBSCRIBED,
    ConsentKind.WISHED_AGAIN,
)
# SQL: whether a person had left a list by the ledger, and has not come back by their own act since.
# Being asked again (a stranger's sign-up does that) is no return, nor is an import. The ids of
# ``{person}`` and ``{list}`` are SQL, too.
HAD_LEFT = f"""EXISTS (
    SELECT FROM subscribers_consentevent gone
    WHERE gone.subscriber_id = {{person}} AND gone.list_id = {{list}}
        AND gone.kind = '{ConsentKind.UNSUBSCRIBED.value}'
        AND NOT EXISTS (
            SELECT FROM subscribers_consentevent back
            WHERE back.subscriber_id = {{person}} AND back.list_id = {{list}}
                AND back.kind IN
                    ('{ConsentKind.CONFIRMED.value}', '{ConsentKind.RESUBSCRIBED.value}')
                AND back.source <> '{ConsentSource.IMPORT.value}'
                AND (back.at, back.id) > (gone.at, gone.id)
        )
)"""  # noqa: S608 - our own words

# SQL: whether a person must not be put back on a list by undoing what was done at ``{since}``: they
# are out of everything, or left by their own act meanwhile (also where that changed no status).
STAYS_OUT = f"""(EXISTS (
    SELECT FROM subscribers_subscriber who
    WHERE who.id = {{person}} AND {suppression.holds("who", *suppression.THE_PERSONS)}
) OR EXISTS (
    SELECT FROM subscribers_consentevent own
    WHERE own.subscriber_id = {{person}} AND (own.list_id = {{list}} OR own.list_id IS NULL)
        AND own.kind IN ({", ".join(f"'{kind.value}'" for kind in LEAVING)}) AND own.at >= {{since}}
        AND own.source IN ({", ".join(f"'{source.value}'" for source in OWN_ACTS)})
))"""  # noqa: S608 - our own words


class Evidence(TypedDict, total=False):
    """How a change of consent came about; the keyword arguments of every `lifecycle` function."""

    source: Required[ConsentSource]
    at: datetime  # default: now
    ip: str | None
    user_agent: str
    statement: ConsentStatement | None  # the words that the person agreed to
    actor: User | None  # the member who did it, when it was not the person
    detail: str
    message_id: int | None  # the campaign's message whose link was used
    mail: str  # the Message-ID of any other mail whose link was used


def inserting(  # noqa: PLR0913 - one column each
    rows: str,
    *,
    subscriber: str = "subscriber_id",
    list_id: str = "list_id",
    kind: str = "%(kind)s",
    source: str = "%(source)s",
    at: str = "%(at)s",
    statement: str = "NULL::bigint",
    ip: str = "NULL::inet",
    actor: str = "%(actor)s::bigint",
    detail: str = "%(detail)s",
) -> str:
    """Return the SQL that writes one event for each of ``rows``: what stands behind FROM.

    Each value is SQL; the workspace is the parameter ``workspace``. Everybody who writes many
    events at once builds their statement of this, `record` writes those of one person.
    """
    return f"""
INSERT INTO subscribers_consentevent (workspace_id, subscriber_id, list_id, kind, source, at,
    statement_id, ip, user_agent, actor_id, detail)
SELECT %(workspace)s, {subscriber}, {list_id}, {kind}, {source}, {at},
    {statement}, {ip}, '', {actor}, {detail}
FROM {rows}"""  # noqa: S608 - built of our own words


def had_left(subscriber_id: int, list_id: int) -> bool:
    """Say whether a person had left a list and has not come back by their own act since."""
    question = HAD_LEFT.format(person="%(person)s", list="%(list)s")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {question}", {"person": subscriber_id, "list": list_id})
        return bool(cursor.fetchone()[0])


def record(
    subscriber: Subscriber, *, kind: ConsentKind, lists: Iterable[int | None], evidence: Evidence
) -> list[ConsentEvent]:
    """Write one event for each list (None: all mail), inside the caller's transaction."""
    return ConsentEvent.objects.bulk_create(
        ConsentEvent(
            workspace_id=subscriber.workspace_id,
            subscriber_id=subscriber.pk,
            list_id=list_id,
            kind=kind,
            source=evidence["source"],
            at=evidence.get("at") or timezone.now(),
            statement=evidence.get("statement"),
            ip=evidence.get("ip") or None,
            user_agent=printable(evidence.get("user_agent", ""))[:LONGEST_USER_AGENT],
            actor=evidence.get("actor"),
            detail=printable(evidence.get("detail", ""))[:LONGEST_DETAIL],
            message_id=evidence.get("message_id"),
            mail=evidence.get("mail", ""),
        )
        for list_id in lists
    )


def printable(text: str) -> str:
    """Leave out what PostgreSQL can't store or a terminal would act on."""
    return "".join(letter for letter in text if letter.isprintable())


def has_left_everything(subscriber: Subscriber) -> bool:
    """Say whether the last that was heard of a person about all mail is that they want none."""
    kinds = ConsentEvent.objects.filter(subscriber=subscriber, list=None).values_list("kind")
    newest = kinds.order_by("-at", "-id").first()
    return newest == (ConsentKind.UNSUBSCRIBED,)


def statement(workspace: Workspace, *, text: str) -> ConsentStatement:
    """Return the statement with exactly these words, a new row if the wording is new."""
    wording = text.strip()
    with transaction.atomic():
        # One wording is one row, also when two members save the same one at once.
        Workspace.objects.select_for_update().only("id").get(pk=workspace.pk)
        known = ConsentStatement.objects.filter(workspace=workspace, text=wording).first()
        return known or ConsentStatement.objects.create(workspace=workspace, text=wording)


def history(subscriber: Subscriber, *, limit: int = 200) -> QuerySet[ConsentEvent]:
    """Return a person's newest consent events with list, wording and member loaded."""
    return (
        ConsentEvent.objects.filter(subscriber=subscriber, workspace_id=subscriber.workspace_id)
        .select_related("list", "statement", "actor")
        .order_by("-at", "-id")[:limit]
    )
