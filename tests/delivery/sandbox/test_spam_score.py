"""rspamd is asked over HTTP, on request, and trusted with nothing: a real server on loopback."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.urls import reverse

from delivery.sandbox import spam_score
from delivery.sandbox.spam_score import SpamScoreError
from tests.delivery.sandbox import mails
from tests.journeys.product import free_port

ANSWER = {
    "score": 6.5,
    "required_score": 15,
    "action": "add header",
    "symbols": {
        "MIME_GOOD": {"name": "MIME_GOOD", "score": -0.1, "description": "Known content-type"},
        "FORGED": {"name": "FORGED", "score": 5.0, "description": "<script>alert(1)</script>"},
    },
}


@contextmanager
def serving(body: bytes, *, status: int = 200, pause: float = 0.0) -> Iterator[list[Any]]:
    """Answer every request so; yields what was asked, first the address."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), data))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            for start in range(0, len(body), 1 if pause else len(body) or 1):
                try:
                    self.wfile.write(body[start : start + (1 if pause else len(body))])
                    self.wfile.flush()
                except OSError:
                    return
                if pause:
                    time.sleep(pause)

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        seen.append(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


def ask(raw: bytes = b"Subject: x\r\n\r\ny"):
    return spam_score.ask(raw, envelope_from="a@b.example", envelope_to="c@d.example\r\nX: y")


def test_the_score_and_its_rules_are_shown(editor_client, workspace, settings):
    mail = mails.keep(workspace, b"Subject: x\r\n\r\ny")
    with serving(json.dumps(ANSWER).encode()) as seen:
        settings.RSPAMD_URL, settings.RSPAMD_PASSWORD = seen[0], "secret"
        page = editor_client.post(
            reverse("sandbox_check", args=[mail.pk]), {"what": "spam"}
        ).content.decode()
    path, headers, data = seen[1]
    assert (path, data, headers["Password"]) == ("/checkv2", b"Subject: x\r\n\r\ny", "secret")
    assert "6.5 of 15" in page
    assert page.index("FORGED") < page.index("MIME_GOOD")
    assert "<script>alert" not in page


def test_without_a_setting_nobody_is_asked(editor_client, workspace):
    mail = mails.keep(workspace, b"Subject: x\r\n\r\ny")
    check = reverse("sandbox_check", args=[mail.pk])
    assert editor_client.post(check, {"what": "spam"}).status_code == 400
    assert "RSPAMD_URL" in editor_client.get(check.replace("check/", "?view=checks")).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"[]", 200),
        (b'{"score": "x"}', 200),
        (b'{"score": NaN, "required_score": 1, "action": "", "symbols": {}}', 200),
        (b'{"score": 1e999, "required_score": 1, "action": "", "symbols": {}}', 200),
        (b'{"score": 1, "required_score": 1, "action": "", "symbols": [1]}', 200),
        (b"[" * 100_000, 200),
        (b"x" * (spam_score.LARGEST_ANSWER * 3), 200),
        (b"{}", 403),
        (b"{}", 302),
    ],
)
def test_an_answer_that_is_none_is_said_in_words(settings, body, status):
    with serving(body, status=status) as seen:
        settings.RSPAMD_URL = seen[0]
        with pytest.raises(SpamScoreError):
            ask()


def test_an_answer_that_never_ends_is_given_up(settings, monkeypatch):
    monkeypatch.setattr(spam_score, "SECONDS", 0.3)
    with serving(b" " * 1_000, pause=0.05) as seen:
        settings.RSPAMD_URL = seen[0]
        with pytest.raises(SpamScoreError):
            ask()


def test_nobody_there_is_said_in_words(settings):
    settings.RSPAMD_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(SpamScoreError, match="could not be reached"):
        ask()
    with pytest.raises(SpamScoreError, match="too large"):
        ask(b"x" * (spam_score.LARGEST + 1))


@pytest.fixture
def rspamd(tmp_path: Path) -> Iterator[str]:
    """Debian's rspamd, with nothing but its scanner."""
    program = shutil.which("rspamd")
    if program is None:
        pytest.skip("rspamd is not installed: its protocol is tested against our own server only")
    port = free_port()
    domains = tmp_path / "tld"
    domains.write_text("example\norg\n")  # its own list takes half a minute to compile
    config = tmp_path / "rspamd.conf"
    config.write_text(
        f"""
        options {{ filters = "chartable,regexp"; dns {{ nameserver = ["127.0.0.1:1"]; }}
          url_tld = "{domains}"; pidfile = "{tmp_path}/pid"; rrd = ""; history_file = "";
          cache_file = "{tmp_path}/cache"; }}
        logging {{ type = "file"; filename = "{tmp_path}/log"; level = "error"; }}
        metric {{ name = "default"; actions {{ reject = 15; add_header = 6; }} }}
        worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
        """
    )
    process = subprocess.Popen(
        [program, "-f", "-i", "-c", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(600):
            try:
                requests.get(f"{address}/ping", timeout=1)
                break
            except requests.RequestException:
                if process.poll() is not None:
                    pytest.skip(f"rspamd does not start here: {process.stdout.read()[-300:]!r}")
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its helpers outlive it otherwise
        process.wait(20)
        process.stdout.close()


def test_debians_rspamd_gives_a_score(settings, rspamd):
    settings.RSPAMD_URL = rspamd
    score = ask(mails.hostile()["broken base64"])
    assert score.required == 15
    assert score.action
