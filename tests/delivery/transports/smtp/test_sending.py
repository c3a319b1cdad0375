"""The transport against a real server that behaves well: order, reuse, limits, extensions."""

import socket
import subprocess
import time
from collections import Counter
from dataclasses import replace

import pytest

from delivery.sandbox.smtp_server import running
from delivery.transports.protocol import JournalClosedError, Verdict
from delivery.transports.smtp.settings import Tls
from tests.delivery.transports.sending import (
    PATIENT,
    Journal,
    TimedJournal,
    mail,
    mails,
    send,
    send_over,
    transport,
    trusting,
)

SENT, FAILED, DEFERRED = Verdict.SENT, Verdict.FAILED, Verdict.DEFERRED
NOT_SENT, UNKNOWN = Verdict.NOT_SENT, Verdict.UNKNOWN


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 5])
def test_everyone_gets_their_mail_once(pipelining, connections):
    with running(pipelining=pipelining) as server:
        done = send(server, mails(200), max_connections=connections)
        assert done.verdicts == [SENT] * 200
        assert sorted(int(line.x_id) for line in server.accepted) == list(range(1, 201))
        for line in server.accepted:
            assert line.envelope_to == (f"reader{line.x_id}@example.org",)
            assert line.envelope_from == f"bounce+{line.x_id}@news.example"
        assert server.server.session_count == connections


def test_the_answer_is_kept():
    with running() as server:
        outcome = send(server, [mail(1)]).outcomes[1]
    assert (outcome.code, outcome.enhanced, outcome.text) == (250, "2.0.0", "ok")


def test_few_mails_open_few_connections():
    with running() as server:
        send(server, mails(2), max_connections=8)
        assert server.server.session_count <= 2


def test_a_large_body_arrives_whole():
    text = b"".join(b".%d\r\n..x\r\n" % number for number in range(200_000))
    with running(keep_body=True) as server:
        send(server, [mail(1, data=b"Subject: x\r\n\r\n" + text), mail(2)], max_connections=1)
        assert server.accepted[0].body.encode() == b"Subject: x\r\n\r\n" + text


def test_a_slow_server_is_kept_busy_over_all_connections():
    with running(dot_delay=0.1) as server:
        done = send(server, mails(32), max_connections=4)
        assert done.count(Verdict.SENT) == 32
        by_session = Counter(line.session for line in server.accepted)
        assert len(by_session) == 4
        assert min(by_session.values()) >= 4


def test_connections_are_kept_between_sends():
    with running() as server:
        used = transport(server.port, max_connections=2)
        for start in (1, 101, 201):
            done = send(used, [mail(number) for number in range(start, start + 100)])
            assert done.verdicts == [SENT] * 100
        used.close()
        assert server.server.session_count == 2


def test_a_connection_carries_only_so_many():
    with running() as server:
        done = send(server, mails(95), max_connections=2, messages_per_connection=10)
        assert done.verdicts == [SENT] * 95
        counts = [line.session for line in server.accepted]
        assert max(counts.count(session) for session in counts) == 10


def test_an_idle_connection_is_not_used_again():
    with running() as server:
        used = transport(server.port, max_connections=1, idle_seconds=0.05)
        send(used, mails(1))
        time.sleep(0.1)
        assert send(used, [mail(2)]).verdicts == [SENT]
        used.close()
        assert server.server.session_count == 2


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_that_ended_while_idle_is_replaced(tls):
    with running(tls="starttls" if tls else "none") as server:
        changes = {"tls": Tls.STARTTLS, "verify_certificate": False} if tls else {}
        used = transport(server.port, max_connections=1, **changes)
        send(used, mails(1))
        server.go_down()
        server.come_back()
        done = send(used, [mail(2), mail(3)])
        assert done.verdicts == [SENT, SENT]
        used.close()


def test_the_journal_is_kept_in_order():
    with running() as server:
        journal = send(server, mails(50), max_connections=1).journal
    # `Journal` itself checks that of one connection only one dot is ever in doubt.
    assert journal.confirmed == journal.announced == set(range(1, 51))
    assert [journal.after[number] for number in range(2, 50)] == list(range(1, 49))
    for number in range(1, 51):
        notes = [what for what, which in journal.notes if which == number]
        assert notes == ["announce", "confirm", "settle"]


def test_without_a_journal_no_dot_goes_out():
    journal = Journal(closes_at=10)
    with running() as server:
        with pytest.raises(JournalClosedError):
            send(server, mails(100), journal=journal, max_connections=3)
        accepted = {int(line.x_id) for line in server.accepted}
    assert accepted == journal.confirmed
    assert {n for n, o in journal.settled.items() if o.verdict is SENT} == accepted


def test_a_mail_that_cannot_be_made_ends_the_run_without_losing_others():
    def broken():
        yield from mails(20)
        raise RuntimeError("cannot render")

    with running() as server:
        with pytest.raises(RuntimeError, match="cannot render"):
            send(server, broken())
        assert len(server.accepted) == 20


def test_a_stop_gives_back_what_has_not_begun():
    pulled = []

    def endless():
        number = 0
        while True:
            number += 1
            pulled.append(number)
            yield mail(number)

    with running() as server:
        done = send(server, endless(), should_stop=lambda: len(pulled) > 500, max_connections=3)
        assert done.count(SENT) == len(server.accepted)
        assert done.count(NOT_SENT) <= 3
        assert set(done.verdicts) <= {SENT, NOT_SENT}


def test_a_stop_does_not_wait_for_a_tarpit():
    with running(tarpit=30.0) as server:
        done = send(server, mails(5), should_stop=lambda: server.server.session_count > 0)
        assert set(done.verdicts) == {NOT_SENT}
        assert server.accepted == []  # it would have taken them, a minute or two later
    assert done.trouble is None


def test_a_stop_waits_for_the_answer_to_a_dot():
    journal = Journal()
    with running(dot_delay=1.0) as server:
        done = send(
            server,
            mails(5),
            journal=journal,
            should_stop=lambda: bool(journal.confirmed),  # a dot may be out
            max_connections=1,
        )
        assert done.verdicts[0] is SENT
        assert done.count(SENT) == len(server.accepted)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 3])
def test_no_last_byte_leaves_before_its_moment(pipelining, connections):
    now = time.monotonic()
    moments = {number: now + 0.1 * number for number in range(1, 9)}
    letters = [mail(number, not_before=moment) for number, moment in moments.items()]
    journal = TimedJournal()
    with running(pipelining=pipelining) as server:
        done = send(server, letters, journal=journal, max_connections=connections)
        assert done.verdicts == [SENT] * 8
        assert len(server.accepted) == 8
    for number, moment in moments.items():
        assert journal.left_at[number] >= moment


def test_a_held_back_dot_waits_for_its_moment_too():
    journal = TimedJournal()
    with running() as server:
        used = transport(server.port, max_connections=1)
        used._pool.held_dots.begin()
        moment = time.monotonic() + 0.5
        done = send(used, [mail(1), mail(2, not_before=moment)], journal=journal)
        used.close()
    assert done.verdicts == [SENT, SENT]
    assert journal.left_at[2] >= moment


def test_others_go_while_one_waits_for_its_moment_and_a_stop_leaves_it():
    hour = time.monotonic() + 3600
    letters = [mail(1, not_before=hour), mail(2), mail(3), mail(4)]
    with running() as server:
        done = send(
            server,
            letters,
            should_stop=lambda: len(server.accepted) == 2,
            max_connections=2,
        )
        assert {line.x_id for line in server.accepted} == {"3", "4"}
    assert done.verdicts == [NOT_SENT, NOT_SENT, SENT, SENT]  # the second was next on its line


def test_it_is_kept_alive_until_the_last_answer():
    calls: list[float] = []
    with running(dot_delay=1.5) as server:
        used = transport(server.port)
        done = send_over(
            used,
            mails(1),
            should_stop=lambda: len(server.accepted) > 0,
            keep_alive=lambda: calls.append(time.monotonic()),
        )
        used.close()
    assert done.verdicts == [SENT]
    assert calls[-1] - calls[0] > 1


def test_limits_of_the_server_and_needs_of_a_mail():
    letters = [
        mail(1, data=b"x" * 1001 + b"\r\n"),
        mail(2),
        mail(3, envelope_to="jörg@example.org", needs_smtputf8=True),
        mail(4, envelope_to="info@bücher.example"),
    ]
    with running(size=1000, smtputf8=False) as server:
        done = send(server, letters)
        assert done.verdicts == [FAILED, SENT, FAILED, SENT]
        assert [done.outcomes[number].enhanced for number in (1, 3)] == ["5.3.4", "5.6.7"]
        assert ("info@xn--bcher-kva.example",) in {line.envelope_to for line in server.accepted}


def test_other_letters_than_ascii():
    with running(smtputf8=True, dsn=True) as server:
        letters = [mail(1, envelope_to="jörg@example.org", needs_smtputf8=True)]
        assert send(server, letters, dsn=True).verdicts == [SENT]
        assert server.accepted[0].envelope_to == ("jörg@example.org",)


def test_a_server_that_knows_only_helo():
    with running(helo_only=True, pipelining=False) as server:
        assert send(server, mails(5), max_connections=1).verdicts == [SENT] * 5


@pytest.mark.parametrize("pipelining", [True, False])
def test_slow_bytes(pipelining):
    with running(byte_delay=0.0005, pipelining=pipelining) as server:
        assert send(server, mails(6), max_connections=2).verdicts == [SENT] * 6


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_tls(mode):
    with running(tls=mode) as server:
        done = send(server, mails(40), **trusting(tls=Tls(mode)))
        assert done.verdicts == [SENT] * 40
        assert all(line.secure for line in server.accepted)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_signing_in(mechanism):
    with running(
        tls="starttls",
        users={"news": "geheim ü"},
        mechanisms=["GSSAPI", mechanism],
        clear_text_auth=False,
    ) as server:
        done = send(
            server,
            mails(3),
            **trusting(tls=Tls.STARTTLS, username="news", password="geheim ü"),
        )
        assert done.verdicts == [SENT] * 3
        assert {line.user for line in server.accepted} == {"news"}


def test_smtp_sink_takes_everything():
    """An implementation that is not ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = "/usr/sbin/smtp-sink"
    try:
        process = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    except (FileNotFoundError, PermissionError):
        pytest.skip("no smtp-sink here")
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        assert send(port, mails(300)).verdicts == [SENT] * 300
    finally:
        process.terminate()
        process.wait()


def test_a_name_is_looked_up():
    with running() as server:
        assert send(server, mails(3), host="localhost").verdicts == [SENT] * 3


def test_settings_do_not_show_the_password():
    used = transport(1, username="news", password="secret-word")
    assert "secret-word" not in repr(replace(used.settings, timeouts=PATIENT))
