"""Asking people once more to confirm, by the mail of a signup form: an action on many people.

Asked are those who wait for a confirmation on one of the form's lists. Nobody is asked who is
suppressed, who had left the list before (a stranger may have typed their address), or who was asked
within the last `EVERY`. The ledger keeps that they were asked, so a second action asks nobody anew.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from subscribers.consent import ledger, suppression
from subscribers.models import BulkAction, SignupForm, Subscriber
from subscribers.signup import signup
from subscribers.signup.signup import SignupMail
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus

EVERY = timedelta(days=14)
AT_ONCE = 200
A_MINUTE = 600  # mails; a sending account's own limits hold besides
ASK = f"""
WITH asked AS (
    SELECT subscription.subscriber_id, subscription.list_id
    FROM subscribers_subscription subscription
    JOIN subscribers_subscriber person ON person.id = subscription.subscriber_id
    JOIN subscribers_list list ON list.id = subscription.list_id AND list.archived_at IS NULL
    WHERE subscription.workspace_id = %(workspace)s AND subscription.list_id = ANY(%(lists)s)
        AND subscription.subscriber_id = ANY(%(people)s) AND subscription.status = %(waiting)s
        AND NOT {ledger.HAD_LEFT.format(person="person.id", list="subscription.list_id")}
        AND NOT {suppression.holds("person")}
        AND NOT EXISTS (
            SELECT FROM subscribers_consentevent before
            WHERE before.subscriber_id = person.id AND before.kind = %(kind)s
                AND before.at > %(since)s)
    ORDER BY person.id FOR KEY SHARE OF person
)
{ledger.inserting("asked", statement="%(statement)s::bigint")}
RETURNING subscriber_id
"""  # noqa: S608 - our own words


def ask(action: BulkAction, people: Sequence[int], at: datetime) -> list[tuple[int, str]]:
    """Note those who are to be asked as asked; returns them. `letters` makes their mails."""
    form = _form(action)
    if form is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            ASK,
            {
                "workspace": action.workspace_id,
                "lists": list(form.lists.values_list("pk", flat=True)),
                "people": list(people),
                "waiting": SubscriptionStatus.UNCONFIRMED,
                "kind": ConsentKind.ASKED,
                "source": ConsentSource.MANUAL,
                "since": at - EVERY,
                "at": at,
                "statement": form.statement_id,
                "actor": action.created_by_id,
                "detail": f"asked again with {form.name} (#{action.pk})"[: ledger.LONGEST_DETAIL],
            },
        )
        return [(key, "") for key in sorted({key for (key,) in cursor.fetchall()})]


def letters(action: BulkAction, people: Sequence[int]) -> list[SignupMail]:
    """Return the mails to people who were just noted as asked."""
    form = _form(action)
    if form is None:
        return []
    found = []
    for person in Subscriber.objects.filter(pk__in=people).order_by("pk"):
        token = signup.invitation(form, person=person)
        if token:
            found.append(
                SignupMail(
                    subscriber_id=person.pk,
                    form_id=form.pk,
                    token=token,
                    lists=(),
                    language=person.language,
                )
            )
    return found


def _form(action: BulkAction) -> SignupForm | None:
    forms = SignupForm.objects.filter(workspace_id=action.workspace_id)
    return forms.filter(pk=action.settings.get("form")).select_related("workspace").first()
