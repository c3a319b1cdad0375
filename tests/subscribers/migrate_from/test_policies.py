"""What becomes of people who are known here is chosen with a move, as with an import."""

import pytest

from subscribers.models import Subscriber, Subscription, Tagging
from subscribers.states import ExistingPeople, MigrationSource
from tests.subscribers.migrate_from.makers import checked, figures, moved

KIKI = (
    "email,firstname,company,tags,timezone,date_added,do_not_contact\n"
    "kiki@example.com,Kiki,Kopi Senja,vip,Asia/Makassar,2022-05-06 07:08:09,0\n"
)
LEFT = "Email Address,First Name,UNSUB_TIME\nkiki@example.com,Kiki,2099-05-06 07:08:09\n"


@pytest.fixture
def known(person):
    return person("kiki@example.com", first_name="Other")


@pytest.mark.parametrize(
    ("existing", "outcome", "profile", "lists_and_tags"),
    [
        (ExistingPeople.FILL, "updated", ("Other", "Asia/Makassar"), (1, 1)),
        (ExistingPeople.OVERWRITE, "updated", ("Kiki", "Asia/Makassar"), (1, 1)),
        (ExistingPeople.SKIP, "unchanged", ("Other", ""), (0, 0)),
    ],
)
def test_known_people(taken, known, existing, outcome, profile, lists_and_tags):  # noqa: PLR0913, PLR0917
    record = checked(taken(MigrationSource.MAUTIC, ("contacts.csv", KIKI), existing=existing))
    assert figures(record) == {"rows": 1, outcome: 1}
    assert figures(moved(record)) == {"rows": 1, outcome: 1}
    known.refresh_from_db()
    assert (known.first_name, known.time_zone) == profile
    assert (Subscription.objects.count(), Tagging.objects.count()) == lists_and_tags


@pytest.mark.usefixtures("known")
def test_who_left_there_leaves_here_whatever_is_chosen(taken):
    moved(taken(MigrationSource.MAUTIC, ("contacts.csv", KIKI)))
    moved(taken(MigrationSource.MAILCHIMP, ("left.csv", LEFT), existing=ExistingPeople.SKIP))
    assert Subscription.objects.get().status == "unsubscribed"
    assert Subscriber.objects.get().first_name == "Other"
