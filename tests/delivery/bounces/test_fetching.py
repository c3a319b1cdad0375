"""Mailboxes are walked: every mail is recorded before it is put away, and counts once."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.installation import secrets
from accounts.models import SetAside
from delivery.bounces import keeping
from delivery.bounces.mailboxes import fetching, holding
from delivery.bounces.mailboxes.imap import ImapMailbox
from delivery.bounces.mailboxes.pop3 import Pop3Mailbox
from delivery.models import BounceMailbox, Message, ReturnedMail
from delivery.states import AfterReading, MailboxProtocol, ReturnedState, TlsMode
from tests.delivery.bounces import mails
from tests.delivery.bounces.dovecot import Dovecot

MakeMailbox = Callable[..., BounceMailbox]
BOTH = [MailboxProtocol.IMAP, MailboxProtocol.POP3]


def fetch(mailbox: BounceMailbox, **options: Any) -> fetching.Fetched:
    found = fetching.fetch(mailbox.pk, owner="test", **{"seconds": 60, **options})
    mailbox.refresh_from_db()
    return found


def many(count: int, **fields: Any) -> list[bytes]:
    return [mails.bounce(f"p{n}@resep.example", number=n, **fields) for n in range(count)]


@pytest.mark.parametrize("protocol", BOTH)
def test_new_mails_are_taken_in_once(
    make_mailbox: MakeMailbox, dovecot: Dovecot, message: Message, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol)
    dovecot.put(mails.bounce(message=message.pk), mails.absence())
    assert fetch(mailbox).mails == 2
    assert mailbox.trouble == ""
    states = list(ReturnedMail.objects.order_by("pk").values_list("state", "message_id"))
    assert states == [(ReturnedState.APPLIED, message.pk), (ReturnedState.IGNORED, None)]
    assert fetch(mailbox).mails == 0
    dovecot.put(mails.bounce("made@resep.example", number=2))
    assert fetch(mailbox).mails == 1
    assert dovecot.count() == 3  # left there


@pytest.mark.parametrize("protocol", BOTH)
def test_the_same_mail_by_two_ways_is_one(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    dovecot.put(*many(3))
    for number, kind in enumerate((MailboxProtocol.IMAP, MailboxProtocol.POP3)):
        fetch(make_mailbox(name=str(number), protocol=kind))
    assert ReturnedMail.objects.count() == 3


@pytest.mark.parametrize("protocol", BOTH)
def test_recorded_mails_are_deleted(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol, after=AfterReading.DELETE)
    dovecot.put(*many(5))
    fetch(mailbox)
    assert (dovecot.count(), ReturnedMail.objects.count()) == (0, 5)


@pytest.mark.parametrize("folder", ["Read", "Gelesen & gezählt/ältere", "Résumé “x”", "日本語"])
def test_recorded_mails_are_moved_to_a_folder_of_any_name(
    make_mailbox: MakeMailbox, dovecot: Dovecot, folder: str
) -> None:
    mailbox = make_mailbox(after=AfterReading.MOVE, move_to=folder)
    dovecot.put(*many(4))
    fetch(mailbox)
    assert mailbox.trouble == ""
    assert dovecot.count() == 0
    server = ImapMailbox(mailbox)
    assert folder in server.folders()
    assert server.open(folder).mails == 4
    server.close()


def test_a_folder_of_an_odd_name_is_read(make_mailbox: MakeMailbox, dovecot: Dovecot) -> None:
    mailbox = make_mailbox(folder="Rück & läufer")
    server = ImapMailbox(mailbox)
    server.make_folder(mailbox.folder)
    server.client.append(mailbox.folder, mails.bounce())
    server.close()
    assert fetch(mailbox).mails == 1


def test_a_folder_that_is_not_there_is_said(make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox(folder="Nirgendwo")
    fetch(mailbox)
    assert "“Nirgendwo”" in mailbox.trouble


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("tls", [TlsMode.IMPLICIT, TlsMode.STARTTLS])
def test_tls_and_its_certificate(
    make_mailbox: MakeMailbox,
    dovecot: Dovecot,
    monkeypatch: pytest.MonkeyPatch,
    tls: str,
    protocol: str,
) -> None:
    ports = {
        (TlsMode.IMPLICIT, MailboxProtocol.IMAP): dovecot.imaps,
        (TlsMode.STARTTLS, MailboxProtocol.IMAP): dovecot.imap,
        (TlsMode.IMPLICIT, MailboxProtocol.POP3): dovecot.pop3s,
        (TlsMode.STARTTLS, MailboxProtocol.POP3): dovecot.pop3,
    }
    dovecot.put(mails.bounce())
    mailbox = make_mailbox(protocol=protocol, tls=tls, port=ports[tls, protocol], host="localhost")
    fetch(mailbox)
    assert "certificate of localhost cannot be trusted" in mailbox.trouble
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    assert fetch(mailbox).mails == 1
    assert mailbox.trouble == ""
    monkeypatch.delenv("SSL_CERT_FILE")
    mailbox.verify_certificate = False
    mailbox.save()
    fetch(mailbox)
    assert mailbox.trouble == ""


@pytest.mark.parametrize("protocol", BOTH)
def test_tls_where_none_is_spoken_is_said(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol, tls=TlsMode.IMPLICIT)
    fetch(mailbox)
    assert "No TLS with 127.0.0.1" in mailbox.trouble


@pytest.mark.parametrize("protocol", BOTH)
def test_a_wrong_password_is_said_and_not_tried_again_soon(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol, encrypted_secret=secrets.encrypt("wrong"))
    fetch(mailbox)
    assert "does not accept the user name and password" in mailbox.trouble
    assert "uthentication failed" in mailbox.trouble
    assert "b'" not in mailbox.trouble
    assert mailbox.is_refused
    pause = (mailbox.next_check_at - timezone.now()).total_seconds()
    assert pause > 800
    assert mailbox.pk not in holding.due()
    holding.wake(mailbox.pk)  # not even by news
    mailbox.refresh_from_db()
    assert mailbox.pk not in holding.due()
    for _try in range(4):
        fetch(mailbox)
    assert (mailbox.next_check_at - timezone.now()).total_seconds() > 80_000
    mailbox.encrypted_secret = secrets.encrypt("teh-pagi-7")
    mailbox.save()
    fetch(mailbox)
    assert (mailbox.trouble, mailbox.failures, mailbox.is_refused) == ("", 0, False)


@pytest.mark.parametrize("protocol", BOTH)
def test_nobody_at_the_address_is_said_and_tried_again_after_growing_pauses(
    make_mailbox: MakeMailbox, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol, port=1)
    pauses = []
    for _try in range(4):
        fetch(mailbox)
        pauses.append((mailbox.next_check_at - timezone.now()).total_seconds())
    assert "Nobody listens" in mailbox.trouble
    assert not mailbox.is_refused
    assert pauses == sorted(pauses)
    assert 400 < pauses[-1] < 500


@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "::ffff:169.254.169.254"])
def test_no_connection_to_where_clouds_keep_secrets(make_mailbox: MakeMailbox, host: str) -> None:
    mailbox = make_mailbox(host=host)
    fetch(mailbox)
    assert "No mail server has such an address" in mailbox.trouble


def test_another_uidvalidity_reads_everything_and_counts_nothing_twice(
    make_mailbox: MakeMailbox, dovecot: Dovecot, message: Message
) -> None:
    mailbox = make_mailbox()
    dovecot.put(mails.bounce(message=message.pk), *many(3))
    fetch(mailbox)
    before = mailbox.uid_validity
    read_at = ReturnedMail.objects.order_by("pk").values_list("read_at", flat=True)
    moments = list(read_at)
    dovecot.count_anew()
    dovecot.put(mails.bounce("new@resep.example", number=99))
    fetch(mailbox)
    assert mailbox.uid_validity != before
    assert ReturnedMail.objects.count() == 5
    assert list(read_at)[:4] == moments


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("after", [AfterReading.DELETE, AfterReading.LEAVE])
@pytest.mark.django_db(transaction=True)
def test_killed_between_record_and_delete(
    make_mailbox: MakeMailbox, dovecot: Dovecot, message: Message, protocol: str, after: str
) -> None:
    mailbox = make_mailbox(protocol=protocol, after=after)
    dovecot.put(mails.bounce(message=message.pk), *many(4))
    name = "put_away" if protocol == MailboxProtocol.IMAP else "close"
    kind = ImapMailbox if protocol == MailboxProtocol.IMAP else Pop3Mailbox
    connections.close_all()
    child = os.fork()
    if child == 0:  # pragma: no cover - it is killed
        setattr(kind, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        fetching.fetch(mailbox.pk, owner="killed", seconds=60)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert dovecot.count() == 5
    assert ReturnedMail.objects.count() == 5
    assert fetch(mailbox).mails == 0  # its lease still runs
    BounceMailbox.objects.update(held_until=timezone.now())
    fetch(mailbox)
    assert dovecot.count() == (0 if after == AfterReading.DELETE else 5)
    assert ReturnedMail.objects.count() == 5
    applied = ReturnedMail.objects.filter(state=ReturnedState.APPLIED, message_id=message.pk)
    assert applied.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_was_recorded_and_not_read_is_read_later(
    make_mailbox: MakeMailbox, dovecot: Dovecot, message: Message, workspace: Any
) -> None:
    from delivery.bounces import intake

    raw = mails.bounce(message=message.pk)
    kept = keeping.keep(raw, workspace=workspace, source=2)
    assert kept.row.state == ReturnedState.KEPT
    assert intake.take_up_left() == 0  # somebody may be at it
    ReturnedMail.objects.update(received_at=timezone.now() - intake.LEFT_AFTER * 2)
    assert intake.take_up_left() == 1
    kept.row.refresh_from_db()
    assert (kept.row.state, kept.row.message_id) == (ReturnedState.APPLIED, message.pk)


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.django_db(transaction=True)
def test_two_pollers_at_once(make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str) -> None:
    mailboxes = [
        make_mailbox(name=str(number), protocol=protocol, after=AfterReading.DELETE)
        for number in range(2)
    ]
    dovecot.put(*many(60))
    failed: list[BaseException] = []

    def poll(mailbox: BounceMailbox, owner: str) -> None:
        try:
            fetching.fetch(mailbox.pk, owner=owner, seconds=60)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)
        finally:
            connections.close_all()

    # Two mailboxes of the same server's mailbox, and two readers of each.
    threads = [
        threading.Thread(target=poll, args=(mailbox, owner))
        for mailbox in mailboxes
        for owner in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    for mailbox in mailboxes:
        fetch(mailbox)
    assert ReturnedMail.objects.count() == 60
    assert dovecot.count() == 0


@pytest.mark.parametrize("protocol", BOTH)
def test_thousands_of_mails(make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str) -> None:
    mailbox = make_mailbox(protocol=protocol, after=AfterReading.DELETE)
    dovecot.lay(many(1_500))
    assert fetch(mailbox, seconds=0).more  # time is up: the rest is for the next time
    assert 0 < ReturnedMail.objects.count() < 1_500 or protocol == MailboxProtocol.IMAP
    while fetch(mailbox).more:
        pass
    assert (ReturnedMail.objects.count(), dovecot.count()) == (1_500, 0)


@pytest.mark.parametrize("protocol", BOTH)
def test_of_a_huge_mail_only_the_beginning_is_fetched(
    make_mailbox: MakeMailbox, dovecot: Dovecot, message: Message, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol)
    tail = b"\n".join([b"x" * 70] * 440_000)
    dovecot.lay([mails.bounce(message=message.pk) + tail, *many(2)])
    fetch(mailbox)
    rows = list(ReturnedMail.objects.order_by("-size"))
    assert len(rows) == 3
    assert rows[0].size > 30_000_000
    assert len(rows[0].raw) <= keeping.LARGEST
    assert (rows[0].state, rows[0].message_id) == (ReturnedState.APPLIED, message.pk)


@pytest.mark.parametrize("protocol", BOTH)
def test_a_line_longer_than_any_standard_allows(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    mailbox = make_mailbox(protocol=protocol)
    dovecot.lay([mails.plain("Long", "y" * 300_000), *many(1)])
    fetch(mailbox)
    assert ReturnedMail.objects.count() == 2
    assert mailbox.trouble == ""


@pytest.mark.parametrize("protocol", BOTH)
def test_one_mail_that_cannot_be_read_never_stops_the_rest(
    make_mailbox: MakeMailbox,
    dovecot: Dovecot,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    from delivery.bounces import intake, reading

    mailbox = make_mailbox(protocol=protocol)
    dovecot.put(*many(3), mails.plain("Poison", "…"), mails.bounce("z@resep.example", number=9))
    read = reading.read

    def poisoned(raw: bytes) -> Any:
        if b"Poison" in raw:
            raise ValueError("somebody's rule fell over")
        return read(raw)

    monkeypatch.setattr(intake, "read", poisoned)
    fetch(mailbox)
    states = list(ReturnedMail.objects.order_by("pk").values_list("state", flat=True))
    assert states[3] == ReturnedState.FAILED
    assert len(states) == 5
    assert ReturnedMail.objects.get(state=ReturnedState.FAILED).trouble


def test_mails_that_vanish_meanwhile(
    make_mailbox: MakeMailbox, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = make_mailbox(after=AfterReading.DELETE)
    dovecot.put(*many(4))
    sizes = ImapMailbox.sizes

    def vanishing(self: ImapMailbox, uids: list[int]) -> dict[int, int]:
        found = sizes(self, uids)
        client = dovecot.client()
        client.select("INBOX")
        client.store("2", "+FLAGS", "\\Deleted")
        client.expunge()
        client.logout()
        return found

    monkeypatch.setattr(ImapMailbox, "sizes", vanishing)
    fetch(mailbox)
    assert (ReturnedMail.objects.count(), mailbox.trouble, dovecot.count()) == (3, "", 0)


@pytest.mark.parametrize("protocol", BOTH)
def test_an_access_token_opens_a_mailbox(
    make_mailbox: MakeMailbox, dovecot: Dovecot, protocol: str
) -> None:
    from datetime import timedelta

    from tests.delivery.bounces.dovecot import TOKEN

    mailbox = make_mailbox(
        protocol=protocol,
        auth="xoauth2",
        encrypted_token=secrets.encrypt(TOKEN),
        token_until=timezone.now() + timedelta(hours=1),
    )
    dovecot.put(mails.bounce())
    assert fetch(mailbox).mails == 1
    assert mailbox.trouble == ""


def test_paused_mailboxes_are_left_alone(make_mailbox: MakeMailbox, dovecot: Dovecot) -> None:
    mailbox = make_mailbox(is_paused=True)
    dovecot.put(mails.bounce())
    assert mailbox.pk not in holding.due()
    assert fetch(mailbox).mails == 0


def test_what_nobody_expected_is_noted_and_tried_again(
    make_mailbox: MakeMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(ImapMailbox, "open", broken)
    mailbox = make_mailbox()
    fetch(mailbox)
    assert "Something went wrong" in mailbox.trouble
    assert mailbox.next_check_at > timezone.now()
    assert SetAside.objects.filter(kind="mailbox").count() == 1


def test_of_many_mails_only_the_one_that_breaks_the_connection_is_passed_over(
    make_mailbox: MakeMailbox, dovecot: Dovecot
) -> None:
    dovecot.put(*many(6))
    # It broke three times, and then somebody tested the mailbox: mails are fetched many at once.
    mailbox = make_mailbox(stuck_at=1, stuck_count=fetching.STUCK)
    server = ImapMailbox(mailbox)
    validity = server.open("INBOX").uid_validity
    uids = server.after(0)
    server.close()
    BounceMailbox.objects.update(uid_validity=validity, stuck_at=uids[0])
    assert fetch(mailbox).mails == 5
    assert (mailbox.stuck_at, mailbox.stuck_count, mailbox.last_uid) == (0, 0, uids[-1])
    assert SetAside.objects.filter(kind="returned mail").count() == 1


@pytest.mark.parametrize("protocol", BOTH)
def test_a_mail_that_we_cannot_take_in_is_recorded_as_it_is(
    make_mailbox: MakeMailbox,
    dovecot: Dovecot,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    from delivery.bounces import showing

    head_of = showing.head_of

    def broken(raw: bytes) -> dict[str, str]:
        if b"Poison" in raw:
            raise ValueError("our own fault")
        return head_of(raw)

    monkeypatch.setattr(showing, "head_of", broken)
    mailbox = make_mailbox(protocol=protocol, after=AfterReading.DELETE)
    dovecot.put(*many(2), mails.plain("Poison", "…"))
    assert fetch(mailbox).mails == 3
    failed = ReturnedMail.objects.get(state=ReturnedState.FAILED)
    assert b"Poison" in bytes(failed.raw)
    assert "our own fault" in failed.trouble
    assert dovecot.count() == 0


def test_a_mail_that_cannot_even_be_recorded_stays_and_is_said(
    make_mailbox: MakeMailbox, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any, **_fields: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(keeping, "keep", broken)
    mailbox = make_mailbox(after=AfterReading.DELETE)
    dovecot.put(*many(1))
    assert fetch(mailbox).mails == 0
    assert dovecot.count() == 1
    assert "could not be recorded" in mailbox.trouble
