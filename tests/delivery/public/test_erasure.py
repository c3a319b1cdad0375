"""An erased person is nowhere in the database or the kept files, and totals stay right."""

import io
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg import sql

from accounts.models import User
from delivery.figures import ledgers
from delivery.models import (
    Engagement,
    Event,
    Message,
    ProviderEvent,
    SandboxMessage,
    SendingAccount,
    UnsubscribeReason,
    UserAgent,
)
from delivery.public import forgetting
from delivery.states import EventKind
from reports.campaign.skips import by_reason
from subscribers.bulk import actions, runner
from subscribers.consent import ledger, suppression
from subscribers.directory.filters import PeopleFilters
from subscribers.imports import files, run, steps
from subscribers.migrate_from import received_files
from subscribers.migrate_from import run as migrating
from subscribers.models import (
    BulkAction,
    DuplicateGroup,
    Import,
    ImportChange,
    Retention,
    SearchBlock,
    Segment,
    SignupForm,
    SignupRequest,
    Subscriber,
    Tag,
    Tagging,
)
from subscribers.people import merging, people, search
from subscribers.people.merging import Pair
from subscribers.privacy import erasure
from subscribers.states import BulkKind, ConsentSource, MigrationSource
from tests.delivery import makers

WHO = "rahasia.sekali@example.org"
TRACES = (WHO, "Rahasianama", "203.0.113.77", "Rahasiabrowser")
OTHER = "lain@example.org"


def dump() -> str:
    """Every row of every table of ours, as text."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for (table,) in cursor.fetchall():
            rows = sql.SQL("SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM {} t")
            cursor.execute(rows.format(sql.Identifier(table)))
            found.append(f"{table}: {cursor.fetchone()[0]}")
    return "\n".join(found)


def hexed(text: str) -> str:
    """How a dump shows text inside bytes."""
    return text.encode().hex()


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def import_file(workspace, weekly, text, *, go_on=True):
    path, size = files.store([text.encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="a.csv")
    agreed = ledger.statement(workspace, text="Yes")
    steps.set_consent(record, steps.Consent(lists=[weekly], statement=agreed))
    if go_on:
        steps.start_run(record)
        assert run.run(record.pk)
    return record


@pytest.fixture
def person(workspace, settings):
    """Somebody whose data stands wherever it can stand."""
    weekly = makers.make_list(workspace, "Weekly")
    person = makers.make_subscriber(
        workspace, WHO, weekly, first_name="Rahasianama", fields={"city": "Rahasianama"}
    )
    ledger.record(
        person,
        kind="subscribed",
        lists=[weekly.pk],
        evidence={
            "source": ConsentSource.FORM,
            "ip": "203.0.113.77",
            "user_agent": "Rahasiabrowser",
            "detail": f"asked by {WHO}",
        },
    )
    Tagging.objects.create(
        tag=Tag.objects.create(workspace=workspace, name="vip"), subscriber=person
    )
    campaign = makers.make_sent_campaign(workspace, weekly)
    message = makers.make_message(campaign, person, provider_id=f"<{WHO}>")
    agent = UserAgent.objects.create(hash=b"a" * 16, text="Rahasiabrowser")
    Event.objects.create(
        campaign=campaign,
        message=message,
        subscriber=person,
        kind=EventKind.OPENED,
        ip="203.0.113.77",
        user_agent=agent,
    )
    SandboxMessage.objects.create(
        workspace=workspace,
        envelope_to=WHO.upper(),
        subject=f"For {WHO}",
        size=9,
        raw=f"To: {WHO}".encode(),
    )
    header = "email,first_name,code\n"
    import_file(workspace, weekly, f"{header}{WHO},Rahasianama,1\n{OTHER},Lain,2\n")
    import_file(workspace, weekly, f"{header}{WHO.upper()},Rahasianama,9\nkaput,Lain,2\n")
    import_file(workspace, weekly, f'{header}{WHO},"Rahasianama\nx",3\n', go_on=True)
    import_file(workspace, weekly, f"{header}{OTHER},Lain,2\n{WHO},Rahasianama,1\n", go_on=False)
    suppressed = "email\nx@example.org\n"
    stored = received_files.store([("m.csv", io.BytesIO(f"{suppressed}{WHO} {WHO}\n".encode()))])
    move = received_files.take(
        workspace, source=MigrationSource.SUPPRESSIONS, stored=stored, mailing_list=None
    )
    steps.start_run(move)
    assert migrating.run(move.pk, received_files.opener)
    leave_traces(workspace, person, weekly, message)
    return person


def leave_traces(workspace, person, weekly, message):
    """What members and the person left elsewhere."""
    Engagement.objects.create(subscriber=person, last_opened_at=timezone.now(), opened=[1])
    UnsubscribeReason.objects.create(
        campaign=message.campaign, message=message, answer="other", words=f"I am {WHO}"
    )
    form = SignupForm.objects.create(
        workspace=workspace, name="F", statement=ledger.statement(workspace, text="Yes")
    )
    SignupRequest.objects.create(
        workspace=workspace,
        form=form,
        email=WHO.title(),
        details={"first_name": "Rahasianama"},
        statement=form.statement,
        ip="203.0.113.77",
        held_for="strict",
    )
    BulkAction.objects.create(workspace=workspace, kind="add_tag", filters={"search": WHO.upper()})
    Segment.objects.create(
        workspace=workspace,
        name="One",
        rules={"match": "all", "rules": [{"subject": "email", "operator": "is", "text": WHO}]},
    )
    DuplicateGroup.objects.create(workspace=workspace, kind="address", shared=WHO, people=[
        person.pk, person.pk + 1, person.pk + 2])  # fmt: skip
    LogEntry.objects.create(
        user=User.objects.create_user("admin@example.net"),
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=str(person.pk),
        object_repr=WHO,
        action_flag=2,
    )
    runner.run(
        actions.start(
            workspace,
            kind=BulkKind.UNSUBSCRIBE,
            actor=None,
            settings={"list": weekly.pk},
            whom=[person.pk],
        ).pk
    )
    while search.rebuild():
        pass


@pytest.fixture
def erase(django_capture_on_commit_callbacks):
    """Erase, and do what comes after the commit."""

    def run_to_the_end(workspace, **whom):
        with django_capture_on_commit_callbacks(execute=True):
            return erasure.erase(workspace, **whom)

    return run_to_the_end


def kept_files(tmp_path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted((tmp_path / "imports").iterdir()))


def test_nothing_is_left_of_an_erased_person(workspace, person, tmp_path, erase):
    assert ImportChange.objects.exists()
    before = dump()
    assert WHO in SearchBlock.objects.get().text
    assert all(trace in before for trace in TRACES)
    assert WHO.encode() in kept_files(tmp_path).lower()
    assert erase(workspace, subscriber_id=person.pk)
    after = dump()
    for trace in TRACES:
        shared = {"Rahasiabrowser"}  # a browser's name is nobody's, once nothing leads to it
        assert trace in shared or trace.lower() not in after.lower()
        assert hexed(trace) not in after
    assert WHO.encode() not in kept_files(tmp_path).lower()
    assert b"rahasianama" not in kept_files(tmp_path).lower()


def test_a_former_address_of_a_merged_person_goes_too(workspace, person, erase):
    twin = makers.make_subscriber(workspace, "rahasia+alt@example.org")
    campaign = Message.objects.get().campaign
    makers.make_message(campaign, twin, provider_id="<alt@example.net>")
    merging.merge(Pair(keep=person, away=twin), actor=None)
    assert erase(workspace, subscriber_id=person.pk)
    assert "rahasia+alt" not in dump()
    assert not Message.objects.exclude(provider_id=None).exists()
    for address in (WHO, "rahasia+alt@example.org"):
        assert suppression.is_suppressed(workspace, email=address)


def test_an_action_never_means_more_people_than_before(workspace, person, erase):
    action = BulkAction.objects.get(kind="add_tag")
    makers.make_subscriber(workspace, "somebody@example.org")
    erase(workspace, subscriber_id=person.pk)
    action.refresh_from_db()
    assert action.filters
    assert not actions.meant(action).exists()


def test_an_erasure_of_many_forgets_what_it_was_asked_for(
    workspace, person, tmp_path, django_capture_on_commit_callbacks
):
    action = actions.start(
        workspace, kind=BulkKind.ERASE, actor=None, whom=PeopleFilters(search=WHO)
    )
    with django_capture_on_commit_callbacks(execute=True):
        while runner.run(action.pk) is not None:
            pass
    assert WHO.encode() not in kept_files(tmp_path).lower()
    action.refresh_from_db()
    assert (action.status, action.changed) == ("done", 1)
    assert WHO not in dump()


def test_many_are_forgotten_by_the_kept_files_at_once_and_only_after_the_commit(
    workspace, person, tmp_path, django_capture_on_commit_callbacks
):
    other = people.find(workspace, email=OTHER)
    with django_capture_on_commit_callbacks(execute=True) as after:
        assert len(erasure.erase_all(workspace, ids=[person.pk, other.pk])) == 2
        assert WHO.encode() in kept_files(tmp_path).lower()
    assert len(after) == 1
    assert WHO.encode() not in kept_files(tmp_path).lower()
    assert OTHER.encode() not in kept_files(tmp_path).lower()


def test_everybody_else_stays(workspace, person, tmp_path, erase):
    erase(workspace, subscriber_id=person.pk)
    kept = kept_files(tmp_path)
    assert b"lain@example.org,Lain,2" in kept
    assert b"x@example.org" in kept
    assert people.find(workspace, email=OTHER) is not None


def test_totals_stay_right_and_the_address_stays_barred(workspace, person, erase):
    messages = Message.objects.count()
    events = Event.objects.count()
    campaign = Message.objects.get().campaign
    reasons = by_reason(ledgers.of(campaign))
    erase(workspace, subscriber_id=person.pk)
    assert (Message.objects.count(), Event.objects.count()) == (messages, events)
    assert by_reason(ledgers.of(campaign)) == reasons
    assert suppression.is_suppressed(workspace, email=WHO)


def test_an_import_that_waits_goes_on_without_the_person(workspace, person, erase):
    waiting = Import.objects.get(status="uploaded")
    erase(workspace, subscriber_id=person.pk)
    steps.start_run(waiting)
    assert run.run(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.rows, waiting.invalid) == (2, 1)
    assert people.find(workspace, email=WHO) is None


def test_another_workspaces_mail_and_files_are_not_touched(
    workspace, other_workspace, person, tmp_path, erase
):
    weekly = makers.make_list(other_workspace, "Harian")
    import_file(other_workspace, weekly, f"email\n{WHO}\n", go_on=False)
    SandboxMessage.objects.create(workspace=other_workspace, envelope_to=WHO, size=1, raw=b"x")
    erase(workspace, subscriber_id=person.pk)
    assert SandboxMessage.objects.get().workspace == other_workspace
    assert WHO.encode() in kept_files(tmp_path)


def test_origins_of_events_are_forgotten_after_their_time(workspace, person):
    Retention.objects.create(workspace=workspace, origin_days=30)
    event = Event.objects.get()
    assert forgetting.forget_origins() == 0
    Event.objects.update(at=timezone.now() - timedelta(days=31))
    assert forgetting.forget_origins() == 1
    event.refresh_from_db()
    assert (event.ip, event.user_agent_id) == (None, None)
    assert forgetting.forget_origins() == 0
    assert Retention.objects.get().events_through == event.pk


def test_workspaces_with_the_same_days_share_one_walk(workspace, other_workspace, person):
    for one in (workspace, other_workspace):
        Retention.objects.create(workspace=one, origin_days=30)
    Event.objects.update(at=timezone.now() - timedelta(days=31))
    with CaptureQueriesContext(connection) as queries:
        assert forgetting.forget_origins() == 1
    assert len([one for one in queries if "WITH looked" in one["sql"]]) == 1
    assert len(set(Retention.objects.values_list("events_through", flat=True))) == 1


def test_what_providers_reported_of_somebody_is_found_by_an_index(workspace):
    """The table has a row for each event, and the erasure's transaction waits for it."""
    account = SendingAccount.objects.create(workspace=workspace, name="Own")
    for number, written in enumerate((WHO, WHO.title(), OTHER)):
        ProviderEvent.objects.create(
            workspace=workspace,
            account=account,
            key=bytes([number]) * 16,
            recipient=written.lower(),
            payload="{}",
        )
    with CaptureQueriesContext(connection) as ran:
        forgetting.forget_person(workspace, [], (WHO.upper(),))
    assert [event.recipient for event in ProviderEvent.objects.all()] == [OTHER]
    asked = [one["sql"] for one in ran if "delivery_providerevent" in one["sql"]]
    assert asked
    assert not [one for one in asked if "UPPER(" in one]
