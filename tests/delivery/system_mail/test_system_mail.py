"""Resets, invitations and confirmations wait in the database, and nobody gets one twice."""

import json
import multiprocessing
import os
import signal
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import tasks
from accounts.background import set_aside
from accounts.installation import secrets
from accounts.mails import system_mail
from accounts.models import SystemMail
from accounts.tasks import send_system_mail
from config.celery import app
from delivery.health import doctor
from delivery.sandbox.smtp_server import RunningServer, running
from subscribers.privacy import erasure
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

State = SystemMail.State
KIND = "greeting"


def greeting(to: str, workspace: int | None = None) -> EmailMessage | None:
    """Write a mail as an app does."""
    if not to:
        return None
    message = EmailMessage("Hello", "Hello.", "kopi@senja.example", [to])
    message.workspace_id = workspace  # type: ignore[attr-defined]
    return message


@pytest.fixture(autouse=True)
def _greetings(settings: Any) -> None:
    settings.EMAIL_BACKEND = "delivery.system_mail.email_backend.EmailBackend"
    system_mail.register(KIND, greeting)


def put(to: str = "b@x.example", **fields: Any) -> SystemMail:
    return system_mail.put(KIND, to=to, **fields)


def serve(settings: Any, server: RunningServer) -> None:
    settings.SMTP_URL = f"smtp://127.0.0.1:{server.port}/?tls=none"


def now_due() -> None:
    SystemMail.objects.filter(finished_at=None).update(not_before=timezone.now())


def state(row: SystemMail) -> str:
    row.refresh_from_db()
    return str(row.state)


def test_it_goes_once_however_often_its_task_runs(db: None, settings: Any) -> None:
    with running() as server:
        serve(settings, server)
        row = put()
        for _ in range(5):
            send_system_mail()
        assert len(server.accepted) == 1
    assert state(row) == State.SENT
    assert bytes(row.content) == b""


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"replies": {"RCPT": "550 5.1.1 no such user"}}, State.FAILED),
        ({"replies": {"DOT": "554 5.7.1 no"}}, State.FAILED),
        ({"replies": {"DOT": "451 4.3.0 later"}}, State.WAITING),
        ({"replies": {"RCPT": "450 4.2.1 busy"}}, State.WAITING),
        ({"busy": True}, State.WAITING),
        ({"users": {"a": "b"}}, State.WAITING),
        ({"drop_at": "DOT"}, State.UNKNOWN),
        ({"drop_at": "DATA"}, State.WAITING),
    ],
)
def test_only_what_is_temporary_is_tried_again(
    db: None, settings: Any, behaviour: dict[str, Any], expected: str
) -> None:
    with running(**behaviour) as server:
        serve(settings, server)
        row = put()
        send_system_mail()
        assert state(row) == expected
        assert row.reason
        server.behave(**{name: type(value)() for name, value in behaviour.items()})
        now_due()
        before = len(server.accepted)
        send_system_mail()
        assert len(server.accepted) - before == (expected == State.WAITING)
    assert state(row) == (State.SENT if expected == State.WAITING else expected)


def test_a_greylisted_mail_waits_in_its_row_and_is_given_up_after_two_days(
    db: None, settings: Any
) -> None:
    with running(replies={"RCPT": "451 4.7.1 greylisted"}) as server:
        serve(settings, server)
        row = put()
        SystemMail.objects.update(created_at=timezone.now() - timedelta(hours=49))
        send_system_mail()
        assert state(row) == State.WAITING  # it was tried for the first time just now
        assert row.not_before > timezone.now()
        now_due()
        SystemMail.objects.update(first_attempt_at=timezone.now() - timedelta(hours=49))
        send_system_mail()
    assert state(row) == State.FAILED
    assert "greylisted" in row.reason


def test_an_outage_uses_up_nothing_but_nobody_waits_for_ever(db: None, settings: Any) -> None:
    settings.SMTP_URL = "smtp://127.0.0.1:9/?tls=none"  # nobody there
    row = put()
    send_system_mail()
    assert (state(row), row.first_attempt_at) == (State.WAITING, None)
    now_due()
    SystemMail.objects.update(created_at=timezone.now() - timedelta(days=8))
    send_system_mail()
    assert state(row) == State.FAILED


def test_a_poisoned_mail_is_set_aside_and_the_next_goes(db: None, settings: Any) -> None:
    with running() as server:
        serve(settings, server)
        unknown_kind = system_mail.put("no such kind")
        wrong_references = system_mail.put(KIND, unexpected=1)
        unreadable = put()
        SystemMail.objects.filter(pk=unreadable.pk).update(content=b"rubbish")
        good = put("c@x.example")
        send_system_mail()
        assert [line.envelope_to for line in server.accepted] == [("c@x.example",)]
    assert {state(row) for row in (unknown_kind, wrong_references, unreadable)} == {State.FAILED}
    assert state(good) == State.SENT


def test_what_somebody_waits_for_goes_before_many(db: None, settings: Any) -> None:
    with running() as server:
        serve(settings, server)
        put("many@x.example", may_wait=True)
        put("one@x.example")
        send_system_mail()
        assert [line.envelope_to[0] for line in server.accepted] == [
            "one@x.example",
            "many@x.example",
        ]


def test_an_erased_person_leaves_nothing_waiting(cast: Cast) -> None:
    person = makers.make_subscriber(cast.workspace, "budi@example.org")
    put(workspace=cast.workspace.pk, person=person.pk)
    other = put(workspace=cast.other_workspace.pk, person=person.pk)
    erasure.erase(cast.workspace, subscriber_id=person.pk)
    assert list(SystemMail.objects.all()) == [other]


def test_what_ended_long_ago_is_forgotten(db: None) -> None:
    ended, waiting = put(), put()
    long_ago = timezone.now() - timedelta(days=31)
    SystemMail.objects.filter(pk=ended.pk).update(finished_at=long_ago)
    tasks.forget_ended()
    assert list(SystemMail.objects.all()) == [waiting]


def test_nothing_waits_in_the_broker() -> None:
    """A delayed task is handed out again and again while it waits, and each copy once more."""
    app.autodiscover_tasks(force=True)
    for name, task in app.tasks.items():
        assert not getattr(task, "autoretry_for", ()), name
    visible = app.conf.broker_transport_options["visibility_timeout"]
    for entry in app.conf.beat_schedule.values():
        assert entry.get("options", {}).get("countdown", 0) == 0
    assert visible > system_mail.LEASE.total_seconds()


# --- processes that die


def _die_when(kill_at: str) -> None:
    """Send what is due in a process of its own that is killed at a certain point."""
    leave = system_mail._leave

    def killed(*_args: Any, **_kwargs: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def killed_after(row: SystemMail) -> bool:
        leave(row)
        killed()
        return False

    if kill_at == "before the last byte":
        system_mail._leave = killed
    elif kill_at == "just before it leaves":
        system_mail._leave = killed_after
    elif kill_at == "before it is recorded":
        system_mail._end = killed
    connection.close()
    send_system_mail()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kill_at", "arrived", "expected", "arrives_later"),
    [
        ("before the last byte", 0, State.SENT, 1),
        ("just before it leaves", 0, State.UNKNOWN, 0),
        ("before it is recorded", 1, State.UNKNOWN, 0),
    ],
)
def test_a_killed_process_sends_nothing_twice(
    settings: Any,
    kill_at: str,
    arrived: int,
    expected: str,
    arrives_later: int,
) -> None:
    with running() as server:
        serve(settings, server)
        row = put()
        connection.close()
        process = multiprocessing.get_context("fork").Process(target=_die_when, args=(kill_at,))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert len(server.accepted) == arrived
        send_system_mail()  # its lease still holds
        assert len(server.accepted) == arrived
        now_due()  # it is over
        send_system_mail()
        assert state(row) == expected
        assert len(server.accepted) == arrived + arrives_later


@pytest.mark.django_db(transaction=True)
def test_a_process_that_wakes_up_late_hands_nothing_over(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was suspended; meanwhile its lease ran out and another one took the mail."""
    with running() as server:
        serve(settings, server)
        row = put()
        write = system_mail._write

        def after_a_long_pause(held: SystemMail) -> EmailMessage | None:
            monkeypatch.setattr(system_mail, "_write", write)
            now_due()
            send_system_mail()
            return write(held)

        monkeypatch.setattr(system_mail, "_write", after_a_long_pause)
        assert system_mail.send_next()
        assert len(server.accepted) == 1
    assert state(row) == State.SENT


def test_what_did_not_arrive_is_shown_to_those_it_concerns(
    cast: Cast, settings: Any, owner_client: Any, outsider_client: Any, capsys: Any
) -> None:
    with running(replies={"RCPT": "550 5.1.1 no such user"}) as server:
        sending.make_account(cast.workspace, port=server.port)
        mail = system_mail.put(KIND, workspace=cast.workspace.pk, to="b@x.example")
        SystemMail.objects.update(content=secrets.encrypt(_references(cast)))
        send_system_mail()
    assert state(mail) == State.FAILED
    page = reverse("sending_health")
    assert "550 5.1.1 no such user" in owner_client.get(page).content.decode()
    assert "550 5.1.1" not in outsider_client.get(page).content.decode()
    set_aside.put("opens and clicks", subject="message 7", error="DataError: no")
    assert "message 7" not in owner_client.get(page).content.decode()
    cast.owner.is_staff = True
    cast.owner.save()
    assert "message 7" in owner_client.get(page).content.decode()
    findings = {one.subject: one.sentence for one in doctor._left_out()}
    assert findings["system mail"] == "1 confirmations, resets or invitations failed."
    assert findings["set aside: opens and clicks"].startswith("message 7: DataError: no (1 times")


def _references(cast: Cast) -> str:
    return json.dumps({"to": "b@x.example", "workspace": cast.workspace.pk})
