"""Mails that ask people of an import to confirm: only if it was told to, and not all at once."""

from django.db.models import Exists, OuterRef

from accounts.background import set_aside
from subscribers.models import Import, Subscriber, Subscription
from subscribers.signup import signup
from subscribers.signup.signup import SignupMail
from subscribers.states import ImportStatus, SubscriptionStatus

AT_ONCE = 50  # in one transaction: so many may be asked again after a crash
STEPS = 12  # each minute; a sending account's own limits hold besides


def due() -> list[int]:
    """Return the imports that have people left to ask."""
    waiting = Import.objects.filter(status=ImportStatus.DONE, asked_until__isnull=False)
    return list(waiting.values_list("pk", flat=True))


def take(import_id: int) -> list[SignupMail]:
    """Note the next people as asked and return their mails, inside the caller's transaction.

    The caller writes them down in it: who is asked and who is mailed can't differ.
    """
    record = (
        Import.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("asks_with", "workspace")
        .filter(pk=import_id, status=ImportStatus.DONE, asked_until__isnull=False)
        .first()
    )
    if record is None:
        return []
    people = _next(record)
    Import.objects.filter(pk=record.pk).update(
        asked_until=people[-1].pk if len(people) == AT_ONCE else None
    )
    found: list[SignupMail] = []
    form = record.asks_with

    def ask(person: Subscriber) -> None:
        if form and (token := signup.invitation(form, person=person)):
            language = person.language or form.language or record.workspace.default_language
            found.append(
                SignupMail(
                    subscriber_id=person.pk,
                    form_id=form.pk,
                    token=token,
                    lists=(),
                    language=language,
                )
            )

    set_aside.each("asking to confirm", people, ask, name=lambda person: f"person {person.pk}")
    return found


def _next(record: Import) -> list[Subscriber]:
    if record.asks_with is None:
        return []
    asked = Subscription.objects.filter(
        subscriber=OuterRef("pk"),
        list__in=record.asks_with.lists.all(),
        status=SubscriptionStatus.UNCONFIRMED,
        changed_at=record.started_at,
    )
    people = Subscriber.objects.filter(workspace=record.workspace, pk__gt=record.asked_until)
    return list(people.filter(Exists(asked)).order_by("pk")[:AT_ONCE])
