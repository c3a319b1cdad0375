"""The misbehaving server: as a process with a log, and by smtplib, which is not our own client."""

import json
import smtplib
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from delivery.sandbox import certificates, smtp_behaviour, smtp_record
from delivery.sandbox.addresses import REFUSED, TREATED
from delivery.sandbox.smtp_server import running
from delivery.transports.protocol import Verdict
from tests.delivery.transports.sending import mail, mails, send

BASE = Path(__file__).parent.parent.parent.parent


def test_it_runs_as_a_process_and_follows_commands(tmp_path):
    log = tmp_path / "accepted.jsonl"
    command = [sys.executable, "-m", "delivery.sandbox.smtp_server", "--log", str(log)]
    behaviour = json.dumps({"refuse": {"reader2@example.org": "550 5.1.1 no"}})
    with subprocess.Popen(
        [*command, "--behaviour", behaviour],
        cwd=BASE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def say(words: str) -> dict[str, object]:
            process.stdin.write(f"{words}\n")
            process.stdin.flush()
            return dict(json.loads(process.stdout.readline()))

        port = json.loads(process.stdout.readline())["port"]
        done = send(port, mails(3))
        assert done.verdicts == [Verdict.SENT, Verdict.FAILED, Verdict.SENT]
        assert say("down") == {"done": "down", "accepted": 2}
        assert send(port, mails(1)).trouble is not None
        say("up")
        say('behave {"refuse": {}}')
        assert send(port, mails(3)).verdicts == [Verdict.SENT] * 3
        say("stop")
        assert process.wait(timeout=300) == 0
    lines = smtp_record.read(log)
    assert sorted(line.x_id for line in lines) == ["1", "1", "2", "3", "3"]
    assert {line.message_id for line in lines} == {f"<{n}@news.example>" for n in (1, 2, 3)}
    assert lines[0].at <= lines[-1].at


@pytest.mark.parametrize(
    "behaviour",
    [
        "{",
        "[]",
        '{"colour": 1}',
        '{"treat": {"@x.example": "kindly"}}',
        '{"drop_at": "lunch"}',
        '{"replies": {"X": ""}}',
    ],
)
def test_what_is_no_behaviour_is_refused(behaviour):
    with pytest.raises(smtp_behaviour.BehaviourError):
        smtp_behaviour.from_json(behaviour)


def test_another_client_gets_along_with_it():
    trust = ssl.create_default_context(cadata=certificates.authority_pem())
    with running(
        tls="starttls", users={"news": "pass"}, mechanisms=["CRAM-MD5"], keep_body=True
    ) as server:
        with smtplib.SMTP("localhost", server.port, timeout=300) as client:
            client.starttls(context=trust)
            client.login("news", "pass")
            body = "Subject: x\r\n\r\n.\r\n..two\r\n"
            client.sendmail("a@example.org", ["b@example.org", "c@example.org"], body)
        [line] = server.accepted
        assert line.envelope_to == ("b@example.org", "c@example.org")
        assert line.body == body
        assert (line.user, line.secure) == ("news", True)


def test_the_same_seed_cuts_the_same():
    counts = []
    for _ in range(2):
        with running(drop_at="RCPT", drop_probability=0.3, drop_seed=5, drop_most=3) as server:
            send(server, mails(30), max_connections=1)
            counts.append([line.x_id for line in server.accepted])
            assert server.server._cuts == 3
    assert counts[0] == counts[1]


def test_greylisting_is_by_recipient_and_time():
    with running(greylist=3600.0) as server:
        first = send(server, mails(2))
        again = send(server, mails(2))
        assert first.verdicts == again.verdicts == [Verdict.DEFERRED] * 2
        server.behave(greylist=0.001)
        assert send(server, mails(2)).verdicts == [Verdict.SENT] * 2


def test_the_sandbox_treats_some_addresses_as_they_ask_to_be():
    def to(name, number=1):
        return mail(number, envelope_to=f"{name}@sandbox.example")

    with running(refuse=REFUSED, treat=TREATED, slow_delay=0.3) as server:
        names = ("bounce+7", "blocked", "full", "greylist", "reader")
        letters = [to(name, number) for number, name in enumerate(names, 1)]
        done = send(server, letters, max_connections=1)
        assert [(o.verdict, o.code) for o in done.outcomes.values()] == [
            (Verdict.FAILED, 550),
            (Verdict.FAILED, 550),
            (Verdict.DEFERRED, 452),
            (Verdict.DEFERRED, 451),
            (Verdict.SENT, 250),
        ]
        assert send(server, [to("greylist")]).verdicts == [Verdict.SENT]
        began = time.monotonic()
        assert send(server, [to("slow")]).verdicts == [Verdict.SENT]
        assert time.monotonic() - began >= 0.3
        assert send(server, [to("vanish")]).verdicts == [Verdict.UNKNOWN]
        kept = [line.envelope_to[0].partition("@")[0] for line in server.accepted]
        assert kept == ["reader", "greylist", "slow", "vanish"]
