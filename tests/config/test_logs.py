"""The log: tidy, parsable, and silent about people."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import resolve

from config import logs, middleware

SCRIPT = """
import logging, structlog
from config import logs
logs.configure(logs.settings({format!r}))
structlog.get_logger().info("campaign started", campaign=7, to="sari@kopisenja.example")
try:
    raise ValueError("Key (email)=(sari@kopisenja.example) from 203.0.113.9 exists")
except ValueError:
    logging.getLogger("some.library").exception("it broke")
"""


def output(log_format: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(format=log_format)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(logs.__file__).parent.parent,
        env={"LOG_PART": "sending", "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_has_one_object_per_line_without_addresses() -> None:
    started, broke = (json.loads(line) for line in output("json"))
    started.pop("time")
    assert started == {
        "event": "campaign started",
        "campaign": 7,
        "to": "[address]",
        "level": "info",
        "part": "sending",
    }
    assert broke["event"] == "it broke"
    assert broke["exception"].endswith("ValueError: Key (email)=([address]) from [ip] exists")


def test_console_lines_are_time_part_message_and_have_no_colours_in_a_pipe() -> None:
    started = output("console")[0]
    assert started[8:] == "  sending   campaign started  campaign=7 to=[address]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("worker sending@host is ready", "worker sending@host is ready"),
        ("a@b.example, c+d@e.f.example!", "[address], [address]!"),
        ({"who": ["x@y.example"]}, {"who": ["[address]"]}),
        ("127.0.0.1:8000 and 198.51.100.4:25", "127.0.0.1:8000 and [ip]:25"),
        ("2001:db8:0:1::7 at 12:30:59", "[ip] at 12:30:59"),
        (3, 3),
        (None, None),
    ],
)
def test_addresses_are_masked_and_nothing_else(given: object, expected: object) -> None:
    assert logs.mask(given) == expected


def test_a_requests_line_has_ids_but_no_query(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/sign-in/?next=/secret-token/")
    lines = [record.getMessage() for record in caplog.records]
    assert any("GET /sign-in/ 200" in line for line in lines)
    assert not any("secret-token" in line for line in lines)


def test_a_path_shows_numbers_but_not_words() -> None:
    request = RequestFactory().get("/")
    request.resolver_match = resolve("/admin/accounts/user/7/change/")
    assert middleware.safe_path(request) == "/admin/accounts/user/<path:object_id>/change/"
    request.resolver_match = None
    assert middleware.safe_path(request) == "(unknown address)"


def test_short_network_addresses_are_masked_too() -> None:
    for address in ("2001:db8::1", "fe80::1", "2001:db8:0:0:0:0:0:1", "203.0.113.9"):
        assert logs.mask(f"from {address} port 25") == "from [ip] port 25"
    assert logs.mask("at 10:42:07 in a::b") != ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_a_database_quotes_of_a_row_is_not_logged(
    log_format: str, workspace: object, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        "INSERT INTO accounts_user (id, name) VALUES (1, 'Nina Wulandari')",  # DETAIL: the row
        "SELECT 'Nina Wulandari'::int",  # in the message itself, and in LINE 1
        "DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = E'Nina\n\nWulandari'; END $$",
    ]
    for statement in rows:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError:
            logging.getLogger("some.library").exception("it broke")
    settings = logs.settings(log_format)["formatters"]["events"]
    shown = structlog.stdlib.ProcessorFormatter(
        processors=settings["processors"], foreign_pre_chain=settings["foreign_pre_chain"]
    )
    written = [shown.format(record) for record in caplog.records if record.msg == "it broke"]
    assert len(written) == len(rows)
    for one in written:
        assert "Nina" not in one
        assert "Wulandari" not in one
        assert "Error" in one or "RaiseException" in one
