"""Mails built to cost time or memory, and any bytes at all."""

import json
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks._hostile_mails import HOSTILE
from delivery.bounces.mail import LARGEST
from delivery.bounces.reading import Reading, read
from tests.delivery.bounces.examples import OURS, mail, report
from tests.delivery.bounces.test_reports import UNKNOWN

ROOT = Path(__file__).parents[3]
CPU_SECONDS = 60  # of all of them, with Python's start; each takes a fraction of a second
KILOBYTES = 1_500_000  # with 100 MB of mail twice, and Django


def test_hostile_mails_cost_little():
    limits = f'ulimit -t {CPU_SECONDS} -v {KILOBYTES}; exec "$@"'
    command = [sys.executable, "-m", "benchmarks._hostile_mails", *HOSTILE]
    ran = subprocess.run(
        ["/bin/bash", "-c", limits, "bash", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]
    costs = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [cost["name"] for cost in costs] == list(HOSTILE)
    assert max(cost["megabytes"] for cost in costs) < 60
    assert max(cost["reports"] for cost in costs) <= 500


def test_what_is_not_read_is_said():
    assert read(mail("x" * LARGEST)).is_truncated
    assert not read(mail("x")).is_truncated


_PIECES = st.sampled_from(
    [
        mail("<nina@example.org>: 550 user unknown"),
        report(UNKNOWN),
        OURS.encode(),
        b"\r\n\r\n",
        b"--=_x\r\n",
        b'Content-Type: multipart/mixed; boundary="=_x"\r\n',
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Final-Recipient: utf-8; \\x{110000}@x\r\n",
        b"Subject: =?utf-16?b?2D0=?= =?x?q?=?=\r\n",
        b"Date: Mon, 99 Nov 99999 99:99:99 +9999\r\n",
        b"Feedback-Type: abuse\r\n",
        b"<a@", b"@", b"\0", b"\xff\xfe", b"\x1b$B", b'{"notificationType":"Bounce"',
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_PIECES | st.binary(max_size=200), max_size=12).map(b"".join))
def test_any_bytes_are_read(raw):
    reading = read(raw)
    assert isinstance(reading, Reading)
    for told in reading.reports:
        assert len(told.text) <= 1_000
        assert len(told.recipient) <= 254
        assert "\0" not in told.text + told.recipient + told.enhanced
    (reading.subject + reading.header_id + "".join(reading.tokens)).encode()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_report_is_read(data):
    raw = bytearray(report(UNKNOWN))
    for _ in range(data.draw(st.integers(1, 30))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(raw))
