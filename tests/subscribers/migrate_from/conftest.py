"""A workspace with a list, some of whose people the other tools know, too."""

import pytest

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.models import MailingList
from subscribers.people import people
from subscribers.states import ConsentSource, MigrationSource, SuppressionReason
from tests.subscribers.migrate_from.makers import taken_in


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def person(workspace):
    def add(email, **profile):
        address = addresses.normalise(email)
        return people.add(workspace, address=address, profile=people.Profile(**profile))[0]

    return add


@pytest.fixture
def some_known(workspace, weekly, person):
    """One has left here, one is suppressed here, one is on the list here."""
    left = person("left-here@example.com")
    lifecycle.subscribe(left, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(left, lists=[weekly.pk], source=ConsentSource.FORM)
    suppression.suppress(workspace, email="gone@example.com", reason=SuppressionReason.COMPLAINED)
    lifecycle.subscribe(person("here@example.com"), mailing_list=weekly, source=ConsentSource.FORM)


@pytest.fixture
def taken(workspace, weekly, owner):
    def take(source, *contents, **values):
        mailing_list = None if source == MigrationSource.SUPPRESSIONS else weekly
        return taken_in(
            workspace, source, *contents, mailing_list=mailing_list, actor=owner, **values
        )

    return take
