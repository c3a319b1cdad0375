"""Days of lists, counted from the ledger as it was before they were kept."""

from importlib import import_module

from django.db import connection

from subscribers import addresses, lifecycle, people
from subscribers.models import ConsentEvent, ListDay, MailingList
from subscribers.states import ConsentSource

COUNT_BEHIND = import_module("subscribers.migrations.0007_people_with_wishes").COUNT_BEHIND


def test_the_past_is_counted_once_although_people_join_meanwhile(workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    for name in ("old", "older", "new"):
        person, _new = people.add(workspace, address=addresses.normalise(f"{name}@example.org"))
        lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.MANUAL)
    newest = ConsentEvent.objects.latest("pk").pk
    ListDay.objects.update(joined=1)  # what the trigger counted since it was there: the newest
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE subscribers_listday_behind AS SELECT %s::bigint AS up_to", [newest - 1]
        )
        cursor.execute(COUNT_BEHIND)
        cursor.execute(COUNT_BEHIND)  # nothing is behind any more
    assert ListDay.objects.get().joined == 3
