"""Which of several reasons not to write to an address holds, and what is left when one goes."""

import pytest

from subscribers.consent import lifecycle, suppression
from subscribers.models import ConsentEvent, MailingList, Suppression
from subscribers.people import merging
from subscribers.people.merging import Pair
from subscribers.states import ConsentSource, SuppressionReason
from tests.subscribers.bulk.test_bulk import person

PAGE = ConsentSource.UNSUBSCRIBE_PAGE
BOUNCED, MANUAL = SuppressionReason.BOUNCED, SuppressionReason.MANUAL


@pytest.fixture
def dewi(workspace):
    return person(workspace, "dewi@example.org")


def bar(person, reason, **more):
    return suppression.suppress(person.workspace, email=person.email, reason=reason, **more)


def test_a_wish_goes_before_a_bounce(workspace, dewi):
    bar(dewi, BOUNCED, detail="550")
    lifecycle.unsubscribe_from_all(dewi, source=PAGE)
    row = Suppression.objects.get()
    assert (row.reason, row.former, row.detail) == ("unsubscribed", "bounced", "550")
    assert suppression.counts(workspace)["bounced"] == 0
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    assert not lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.MANUAL)


@pytest.mark.parametrize("later", [BOUNCED, MANUAL, SuppressionReason.IMPORTED])
def test_a_weaker_reason_changes_nothing(dewi, later):
    lifecycle.unsubscribe_from_all(dewi, source=PAGE)
    assert not bar(dewi, later)
    assert Suppression.objects.get().reason == "unsubscribed"


def test_an_erased_address_stays_erased(dewi):
    bar(dewi, SuppressionReason.ERASED)
    lifecycle.unsubscribe_from_all(dewi, source=PAGE)
    assert Suppression.objects.get().reason == "erased"


def test_what_a_member_added_is_there_again_when_the_wish_is_lifted(dewi):
    bar(dewi, MANUAL)
    lifecycle.unsubscribe_from_all(dewi, source=PAGE)
    assert lifecycle.return_to_mail(dewi, source=ConsentSource.PREFERENCES)
    assert Suppression.objects.get().reason == "manual"


def test_leaving_everything_is_in_the_ledger_once_whatever_stood_before(dewi):
    bar(dewi, SuppressionReason.COMPLAINED)
    assert lifecycle.unsubscribe_from_all(dewi, source=PAGE) == ()
    assert lifecycle.unsubscribe_from_all(dewi, source=PAGE) is None
    assert ConsentEvent.objects.get().list is None


def test_a_merger_keeps_the_wish_where_the_address_that_stays_had_bounced(workspace, dewi):
    away = person(workspace, "d@example.org")
    bar(dewi, BOUNCED)
    lifecycle.unsubscribe_from_all(away, source=PAGE)
    merging.merge(Pair(keep=dewi, away=away), actor=None)
    assert suppression.is_out(dewi)
