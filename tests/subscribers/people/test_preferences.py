"""What the owner of an address chooses for themselves."""

import pytest

from subscribers.consent import lifecycle, suppression
from subscribers.models import MailingList, Subscription
from subscribers.people import preferences
from subscribers.states import ConsentSource
from tests.subscribers.bulk.test_bulk import person

OWN = ConsentSource.PREFERENCES


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly", visibility="public")


@pytest.fixture
def dewi(workspace):
    return person(workspace, "dewi@example.org")


def test_whoever_left_and_was_asked_by_a_stranger_comes_back_by_their_own_choice(dewi, weekly):
    lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe_from_all(dewi, source=ConsentSource.UNSUBSCRIBE_PAGE)
    lifecycle.ask(dewi, mailing_list=weekly, source=ConsentSource.FORM)
    assert preferences.choose(dewi, wanted=[weekly.pk], source=OWN).joined == (weekly.pk,)
    assert Subscription.objects.get().status == "subscribed"
    assert not suppression.is_out(dewi)


def test_whoever_left_everything_joins_a_list_that_is_new_to_them(dewi, weekly):
    lifecycle.unsubscribe_from_all(dewi, source=ConsentSource.UNSUBSCRIBE_PAGE)
    assert preferences.choose(dewi, wanted=[weekly.pk], source=OWN).joined == (weekly.pk,)
    assert Subscription.objects.get().status == "subscribed"


def test_whoever_joins_nothing_stays_out_of_everything(dewi, weekly):
    lifecycle.unsubscribe_from_all(dewi, source=ConsentSource.UNSUBSCRIBE_PAGE)
    assert preferences.choose(dewi, wanted=[], source=OWN).joined == ()
    assert suppression.is_out(dewi)
