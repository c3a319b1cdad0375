"""The transport against a real server that misbehaves: nobody is lost, nobody is failed for it."""

import socket
import sys
import threading
import time
from dataclasses import replace

import pytest

from delivery.sandbox.smtp_server import running
from delivery.transports.protocol import Verdict
from delivery.transports.smtp.settings import Tls
from tests.delivery.transports.sending import PATIENT, mail, mails, send, transport, trusting

SENT, FAILED, DEFERRED = Verdict.SENT, Verdict.FAILED, Verdict.DEFERRED
NOT_SENT, UNKNOWN = Verdict.NOT_SENT, Verdict.UNKNOWN

pipelining = pytest.mark.parametrize("pipelining", [True, False])


# --- refusals


@pipelining
def test_refused_recipients_are_nobody_elses_fault(pipelining):
    refuse = {
        f"reader{number}@example.org": "550 5.1.1 no such user" for number in range(2, 60, 3)
    } | {f"reader{number}@example.org": "450 4.2.1 mailbox busy" for number in range(3, 60, 3)}
    with running(refuse=refuse, pipelining=pipelining) as server:
        done = send(server, mails(59), max_connections=3)
        expected = [[SENT, FAILED, DEFERRED][(number - 1) % 3] for number in range(1, 60)]
        assert done.verdicts == expected
        assert len(server.accepted) == expected.count(SENT)
    outcome = done.outcomes[2]
    assert (outcome.code, outcome.enhanced, outcome.text) == (550, "5.1.1", "no such user")
    assert done.trouble is None


@pytest.mark.parametrize("answer", ["354 go on", "554 5.5.1 no valid recipients"])
def test_an_answer_to_data_after_a_refused_recipient_sends_nothing(answer):
    """RFC 2920 §3.1: 354 after a refused RCPT is answered by a mail that nobody gets."""
    refuse = {"reader2@example.org": "550 5.1.1 no such user"}
    with running(refuse=refuse) as server:
        used = transport(server.port, max_connections=1)
        send(used, [mail(1)])
        server.behave(replies={"DATA": answer})
        assert send(used, [mail(2)]).verdicts == [FAILED]
        server.behave(replies={})
        assert send(used, [mail(3)]).verdicts == [SENT]
        used.close()
        assert [line.x_id for line in server.accepted] == ["1", "3"]
        assert server.server.session_count == 1


@pytest.mark.parametrize(
    ("stage", "reply", "verdict"),
    [
        ("RCPT", "451 4.7.1 greylisted", DEFERRED),
        ("RCPT", "552 too many recipients", DEFERRED),
        ("RCPT", "552 5.2.2 mailbox full", FAILED),
        ("RCPT", "550 5.1.1 no such user", FAILED),
        ("DATA", "451 4.3.0 try later", DEFERRED),
        ("DATA", "554 5.6.0 not like this", FAILED),
        ("DOT", "452 4.3.1 disk full", DEFERRED),
        ("DOT", "554 5.7.1 spam", FAILED),
        ("DOT", "552 5.3.4 too large", FAILED),
        ("MAIL", "552 5.3.4 too large", FAILED),
        ("MAIL", "451 4.3.0 try later", DEFERRED),
    ],
)
@pipelining
def test_answers_that_concern_one_mail(stage, reply, verdict, pipelining):
    with running(replies={stage: reply}, pipelining=pipelining) as server:
        done = send(server, mails(2), max_connections=1)
        assert done.verdicts == [verdict] * 2
        assert done.trouble is None
        assert done.outcomes[1].code == int(reply[:3])
        assert server.accepted == []
        assert server.server.session_count == 1


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("MAIL", "550 5.7.1 sender rejected"),
        ("MAIL", "553 5.1.8 no such sender domain"),
        ("RCPT", "554 5.7.1 <a@b>: Relay access denied"),
        ("RCPT", "554 5.7.1 Client host [1.2.3.4] blocked using a list"),
        ("RCPT", "530 5.7.0 must issue a STARTTLS command first"),
        ("DOT", "550 5.7.26 not authenticated"),
    ],
)
def test_a_refused_sender_fails_nobody(stage, reply):
    with running(replies={stage: reply}) as server:
        done = send(server, mails(50), max_connections=2)
        assert FAILED not in done.verdicts
        assert done.count(DEFERRED) <= 9
        assert done.trouble is not None
        assert "127.0.0.1 rejects emails from this sender" in done.trouble.sentence
        assert server.accepted == []


def test_one_odd_refusal_among_accepted_mails_is_final_and_no_trouble():
    with running(refuse={"reader20@example.org": "554 5.7.1 Relay access denied"}) as server:
        done = send(server, mails(40), max_connections=1)
        assert [n for n in done.pulled if done.outcomes[n].verdict is FAILED] == [20]
        assert done.count(SENT) == 39
        assert done.trouble is None


def test_a_sender_blocked_half_way_costs_one_person():
    with running() as server:
        used = transport(server.port, max_connections=1)
        assert send(used, mails(20)).count(SENT) == 20
        server.behave(replies={"RCPT": "554 5.7.1 Client host blocked using a list"})
        done = send(used, mails(50))
        assert done.count(FAILED) == 1
        assert done.trouble is not None
        used.close()


def test_a_server_that_wants_a_sign_in_first():
    with running(users={"news": "x"}) as server:
        done = send(server, mails(20))
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert done.trouble.permanent
        assert done.trouble.sentence == (
            "127.0.0.1 wants us to sign in first: 530 5.7.0 sign in first"
        )


# --- the connection breaks


@pipelining
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_cut_before_the_dot_leaves_nobody_in_doubt(stage, pipelining):
    with running(drop_at=stage, drop_probability=0.1, drop_seed=7, pipelining=pipelining) as server:
        done = send(server, mails(200), max_connections=3)
        assert done.trouble is None
        assert set(done.verdicts) <= {SENT, DEFERRED}
        sent = {number for number in done.pulled if done.outcomes[number].verdict is SENT}
        assert sorted(int(line.x_id) for line in server.accepted) == sorted(sent)
        assert len(sent) > 150


def test_a_cut_within_a_body_that_was_not_all_written_leaves_nobody_in_doubt():
    large = b"Subject: x\r\n\r\n" + b"y\r\n" * 10_000_000
    with running(drop_at="BODY", drop_most=1) as server:
        done = send(server, [mail(1, data=large), mail(2)], max_connections=1)
        assert done.verdicts == [DEFERRED, SENT]
        assert [line.x_id for line in server.accepted] == ["2"]


def test_a_cut_within_a_body_that_had_left_is_unknown():
    """The dot was in the kernel's hands: whether it arrived, nobody here can know."""
    with running(drop_at="BODY", drop_most=1) as server:
        done = send(server, mails(20), max_connections=1)
        assert done.verdicts == [UNKNOWN] + [SENT] * 19


@pipelining
def test_after_a_cut_within_a_body_dots_are_held_back(pipelining):
    """What was under way at the first cut is in doubt; later cuts cost nobody anything."""
    behaviour = {"drop_at": "BODY", "drop_probability": 0.05, "drop_seed": 3}
    with running(**behaviour, pipelining=pipelining) as server:
        done = send(server, mails(400), max_connections=3)
        assert server.server._cuts > 10
        assert set(done.verdicts) == {SENT, UNKNOWN}
        assert 1 <= done.count(UNKNOWN) <= 3
        arrived = sorted(int(line.x_id) for line in server.accepted)
        assert arrived == [n for n in done.pulled if done.outcomes[n].verdict is SENT]


def test_a_held_back_dot_is_not_out_when_we_stop():
    letters = mails(10_000)
    with running(drop_at="BODY", drop_most=1) as server:
        used = transport(server.port, max_connections=2)
        assert UNKNOWN in send(used, letters[:10]).verdicts
        before, began = len(server.accepted), time.monotonic()
        done = send(used, letters, should_stop=lambda: time.monotonic() - began > 0.5)
        assert set(done.verdicts) <= {SENT, NOT_SENT}
        assert done.count(SENT) == len(server.accepted) - before
        used.close()


@pipelining
def test_a_cut_after_the_dot_is_unknown_and_only_that_mail(pipelining):
    with running(drop_at="DOT", drop_probability=0.1, drop_seed=3, pipelining=pipelining) as server:
        done = send(server, mails(200), max_connections=3)
        assert done.trouble is None
        assert set(done.verdicts) == {SENT, UNKNOWN}
        # All of them arrived once; of those that were cut nobody could know it.
        assert sorted(int(line.x_id) for line in server.accepted) == list(range(1, 201))
        assert done.count(UNKNOWN) == server.server._cuts


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "BODY", "DOT"])
def test_a_server_that_always_hangs_up_is_in_trouble(stage):
    with running(drop_at=stage) as server:
        done = send(server, mails(100), max_connections=2)
        assert done.trouble is not None
        assert "disconnected" in done.trouble.sentence
        assert FAILED not in done.verdicts
        assert len(done.pulled) - done.count(NOT_SENT) <= 5
        assert (done.count(UNKNOWN) > 0) is (stage in {"BODY", "DOT"})


def test_a_cut_while_opening():
    for stage in ("banner", "EHLO"):
        with running(drop_at=stage) as server:
            done = send(server, mails(5))
            assert set(done.verdicts) == {NOT_SENT}
            assert done.trouble is not None
            assert "disconnected on port" in done.trouble.sentence


@pipelining
def test_421_after_some_mails_costs_nobody_anything(pipelining):
    with running(close_after=7, pipelining=pipelining) as server:
        done = send(server, mails(100), max_connections=3)
        assert done.verdicts == [SENT] * 100
        assert len(server.accepted) == 100


def test_421_to_a_dot_is_a_deferral_with_the_servers_words():
    with running(replies={"DOT": "421 4.3.2 shutting down"}) as server:
        done = send(server, [mail(1)])
        assert done.outcomes[1].verdict is DEFERRED
        assert done.outcomes[1].text == "shutting down"


def test_421_at_once():
    with running(busy=True) as server:
        done = send(server, mails(5))
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert done.trouble.sentence == (
            "127.0.0.1 rejects us: 421 4.3.2 too busy, come back later"
        )
        assert not done.trouble.permanent


def test_421_to_every_mail_names_the_reason():
    with running(replies={"MAIL": "421 4.7.0 slow down"}) as server:
        done = send(server, mails(20), max_connections=2)
        assert done.trouble is not None
        assert done.trouble.sentence == "127.0.0.1 disconnected: 421 4.7.0 slow down"
        assert SENT not in done.verdicts
        assert FAILED not in done.verdicts


def test_a_server_that_allows_fewer_connections_is_used_with_those():
    with running(most_connections=2) as server:
        done = send(server, mails(300), max_connections=6)
        assert done.verdicts == [SENT] * 300
        assert done.trouble is None


def test_a_server_that_goes_down_and_comes_back():
    def letters():
        for letter in mails(400):
            if letter.message_id == 200:
                server.go_down()
            yield letter

    with running() as server:
        used = transport(server.port, max_connections=3)
        done = send(used, letters())
        assert done.trouble is not None
        assert done.trouble.sentence == f"127.0.0.1 refuses connections on port {server.port}."
        assert FAILED not in done.verdicts
        assert done.count(UNKNOWN) <= 3
        server.come_back()
        rest = [
            mail(number)
            for number in range(1, 401)
            if number not in done.outcomes or done.outcomes[number].verdict in {NOT_SENT, DEFERRED}
        ]
        again = send(used, rest)
        assert again.verdicts == [SENT] * len(rest)
        used.close()
        arrived = [int(line.x_id) for line in server.accepted]
        assert len(arrived) == len(set(arrived))
        assert len(arrived) + done.count(UNKNOWN) >= 400


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = send(port, mails(5))
    assert set(done.verdicts) == {NOT_SENT}
    assert done.trouble is not None
    assert done.trouble.sentence == f"127.0.0.1 refuses connections on port {port}."


def test_a_name_that_does_not_exist():
    done = send(25, mails(2), host="no-such-host.invalid")
    assert done.trouble is not None
    assert done.trouble.sentence.startswith("The name no-such-host.invalid cannot be found")
    assert set(done.verdicts) == {NOT_SENT}


# --- silence and junk


@pytest.mark.parametrize(
    ("stage", "waits", "verdict", "sentence"),
    [
        ("banner", {"banner": 0.4}, NOT_SENT, "does not answer on port"),
        ("EHLO", {"command": 0.4}, NOT_SENT, "stopped responding on port"),
        ("MAIL", {"command": 0.4}, DEFERRED, "disconnected before"),
        ("DOT", {"final_dot": 0.4}, UNKNOWN, "disconnected before"),
    ],
)
def test_a_server_that_falls_silent(stage, waits, verdict, sentence):
    soon = replace(PATIENT, **waits)
    with running(silent_at=stage) as server:
        done = send(server, mails(30), max_connections=2, timeouts=soon)
        assert done.trouble is not None
        assert sentence in done.trouble.sentence
        assert verdict in done.verdicts
        assert FAILED not in done.verdicts
        assert SENT not in done.verdicts


@pytest.mark.parametrize(
    ("stage", "verdict"),
    [("banner", NOT_SENT), ("EHLO", NOT_SENT), ("MAIL", DEFERRED), ("DOT", UNKNOWN)],
)
def test_junk(stage, verdict):
    with running(junk_at=stage) as server:
        done = send(server, mails(30), max_connections=1)
        assert done.trouble is not None
        assert verdict in done.verdicts
        assert set(done.verdicts) <= {verdict, NOT_SENT}
        if verdict is NOT_SENT:
            assert "does not speak SMTP" in done.trouble.sentence


def test_a_server_that_stops_reading_a_body():
    """It takes the envelope and part of the body, and then nothing more."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    kept = []

    def serve():
        client, _ = listening.accept()
        kept.append(client)
        client.sendall(b"220 hi\r\n")
        client.recv(100)
        client.sendall(b"250 hi\r\n")
        for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            client.recv(100)
            client.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    timeouts = replace(PATIENT, block=0.5)
    huge = mail(1, data=b"x" * 70 + b"\r\n" + b"y\r\n" * 10_000_000)
    port = listening.getsockname()[1]
    done = send(port, [huge], max_connections=1, timeouts=timeouts)
    assert done.outcomes[1].verdict is DEFERRED
    listening.close()
    for client in kept:
        client.close()
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what it has not sent")
def test_a_reset_proves_that_what_the_kernel_still_held_never_left():
    """The whole mail is in our kernel's hands, and the server's takes only some kilobytes."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def serve():
        client, _ = listening.accept()
        client.sendall(b"220 hi\r\n")
        client.recv(100)
        client.sendall(b"250 hi\r\n")
        for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            client.recv(100)
            client.sendall(answer)
        client.recv(100)
        time.sleep(0.2)
        client.close()  # with words unread: a reset
        listening.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    large = mail(1, data=b"Subject: x\r\n\r\n" + b"y\r\n" * 20_000)
    done = send(port, [large], max_connections=1)
    thread.join()
    assert done.outcomes[1].verdict is DEFERRED
    assert done.outcomes[1].text == "connection reset by peer"


# --- TLS and sign-in


def test_required_tls_is_never_given_up():
    with running(tls="none") as server:
        done = send(server, mails(3), tls=Tls.STARTTLS)
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert done.trouble.permanent
        assert done.trouble.sentence == f"127.0.0.1 offers no STARTTLS on port {server.port}."
        assert server.accepted == []


def test_refused_starttls():
    with running(tls="starttls", replies={"STARTTLS": "454 4.7.0 TLS not available"}) as server:
        done = send(server, mails(3), tls=Tls.STARTTLS)
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert "refuses STARTTLS: 454 4.7.0 TLS not available" in done.trouble.sentence


def test_words_before_the_handshake_are_an_attack():
    """RFC 3207 §6: what came in the clear must not be taken for what is protected."""
    with running(tls="starttls", words_after_starttls=True) as server:
        done = send(server, mails(3), **trusting(tls=Tls.STARTTLS))
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert server.accepted == []


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
@pytest.mark.parametrize(
    ("certificate", "sentence"),
    [
        ("expired", "The certificate of localhost has expired."),
        ("wrong_name", "The certificate that localhost shows was made for another name."),
        (
            "self_signed",
            "The certificate of localhost is signed by nobody this machine trusts.",
        ),
    ],
)
def test_certificates_are_checked(mode, certificate, sentence):
    with running(tls=mode, certificate=certificate) as server:
        done = send(server, mails(3), **trusting(tls=Tls(mode)))
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert done.trouble.sentence == sentence
        assert done.trouble.permanent
        assert server.accepted == []
        changes = {"tls": Tls(mode), "verify_certificate": False}
        assert send(server, mails(3), **changes).verdicts == [SENT] * 3


def test_implicit_tls_at_a_plain_port():
    with running() as server:
        done = send(server, mails(1), tls=Tls.IMPLICIT)
        assert done.trouble is not None
        assert done.trouble.sentence.startswith("TLS cannot begin with 127.0.0.1 on port")


def test_a_wrong_password_is_nobodys_failure():
    with running(users={"news": "right"}) as server:
        done = send(server, mails(5), username="news", password="wrong")
        assert set(done.verdicts) == {NOT_SENT}
        assert done.trouble is not None
        assert done.trouble.permanent
        assert "refuses the user name or password: 535 5.7.8" in done.trouble.sentence
        assert "wrong" in done.trouble.sentence  # the server's words, which hold no secret


def test_a_password_that_is_refused_half_way():
    """One connection: the mail that waits for the fourth sign-in has nowhere else to go."""
    with running(users={"news": "right"}, refuse_auth_after=50, close_after=20) as server:
        done = send(server, mails(200), username="news", password="right", max_connections=1)
        assert done.trouble is not None
        assert done.trouble.permanent
        assert set(done.verdicts) == {SENT, NOT_SENT}
        assert done.count(SENT) == len(server.accepted) == 60


def test_a_password_that_is_refused_while_another_connection_still_sends():
    """Whether a mail is left over then depends on which connection was faster; nobody fails."""
    with running(users={"news": "right"}, refuse_auth_after=50, close_after=20) as server:
        done = send(server, mails(200), username="news", password="right", max_connections=2)
        assert done.trouble is not None
        assert done.trouble.permanent
        assert {SENT} <= set(done.verdicts) <= {SENT, NOT_SENT}
        assert done.count(SENT) == len(server.accepted)
        assert 50 <= len(server.accepted) < 200


def test_no_common_way_to_sign_in():
    with running(users={"news": "right"}, mechanisms=["GSSAPI"]) as server:
        done = send(server, mails(1), username="news", password="right")
        assert done.trouble is not None
        assert "ways to sign in that we do not know: GSSAPI" in done.trouble.sentence


def test_a_sign_in_that_is_away_for_now():
    with running(users={"n": "p"}, replies={"AUTH": "454 4.7.0 later"}) as server:
        done = send(server, mails(1), username="n", password="p")
        assert done.trouble is not None
        assert not done.trouble.permanent


# --- greylisting


def test_greylisting_ends_with_everybody():
    with running(greylist=0.3) as server:
        used = transport(server.port, timeouts=PATIENT)
        first = send(used, mails(50))
        assert first.verdicts == [DEFERRED] * 50
        assert first.outcomes[1].enhanced == "4.7.1"
        time.sleep(0.4)
        assert send(used, mails(50)).verdicts == [SENT] * 50
        used.close()
