"""A workspace with a list, some of whose people the other tools know, too."""

import io

import pytest

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.imports import steps
from subscribers.migrate_from import received_files, run
from subscribers.models import MailingList
from subscribers.people import people
from subscribers.states import ConsentSource, ImportStatus, MigrationSource, SuppressionReason


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
        uploads = [
            (name, io.BytesIO(content if isinstance(content, bytes) else content.encode()))
            for name, content in contents
        ]
        mailing_list = None if source == MigrationSource.SUPPRESSIONS else weekly
        return received_files.take(
            workspace,
            source=source,
            stored=received_files.store(uploads),
            mailing_list=mailing_list,
            actor=owner,
            **values,
        )

    return take


def checked(record):
    assert steps.start_check(record)
    assert run.check(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.status == ImportStatus.CHECKED
    return record


def moved(record):
    assert steps.start_run(record)
    assert run.run(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.status == ImportStatus.DONE
    return record


def settled(record):
    """Count the rows that have an outcome so far."""
    return sum(figures(record).values()) - record.rows


def figures(record):
    return {
        name: getattr(record, name)
        for name in (
            *("rows", "created", "updated", "unchanged", "kept_out", "suppressed", "invalid"),
            "duplicates",
        )
        if getattr(record, name)
    }
