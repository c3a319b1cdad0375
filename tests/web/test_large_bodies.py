"""What is too large is refused before it lies anywhere."""

from contextlib import closing, suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User, Workspace
from accounts.team import api_keys
from config.server.serving import environ_of
from subscribers.models import Import
from tests.web.conftest import Served, cookie_of, read_all

BOUNDARY = "kopi"
TYPE = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
LARGE = 40_000_000


def form_of(file: bytes, *, token: str = "") -> bytes:
    begin = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [
        f'{begin}"csrfmiddlewaretoken"\r\n\r\n{token}',
        f'{begin}"file"; filename="a.csv"\r\n\r\n',
    ]
    return "\r\n".join(parts).encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def deleted_files(served: Served) -> int:
    """Return the size of the files without a name that the process holds."""
    size = 0
    for entry in Path(f"/proc/{served.process.pid}/fd").iterdir():
        with suppress(OSError):
            if str(entry.readlink()).startswith(str(served.temporary)):
                size += entry.stat().st_size
    return size


@pytest.mark.parametrize(
    "path", ["/subscribers/import/", "/sign-in/", "/api/v1/campaigns", "/nowhere/"]
)
def test_forty_megabytes_from_anybody_are_refused_unread(served: Served, path: str) -> None:
    with closing(served.connect()) as visitor:
        head = served.head(f"POST {path} HTTP/1.1", TYPE, f"Content-Length: {LARGE}")
        visitor.sendall(head.encode())
        # Not one byte of it is sent, and the answer comes.
        answer = read_all(visitor)
    assert answer.startswith(b"HTTP/1.1 413")


def test_chunks_beyond_what_anybody_may_send_are_refused(served: Served) -> None:
    with closing(served.connect()) as visitor:
        head = served.head("POST /subscribers/import/ HTTP/1.1", TYPE, "Transfer-Encoding: chunked")
        with suppress(ConnectionError):
            visitor.sendall(head.encode())
            for _ in range(40):
                visitor.sendall(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
                assert deleted_files(served) < 1_000_000
        answer = read_all(visitor)
    assert answer.startswith(b"HTTP/1.1 413")


def test_the_refusal_arrives_though_everything_is_sent(served: Served) -> None:
    answer = served.ask(
        f"POST /sign-in/ HTTP/1.1\r\n{TYPE}\r\nContent-Length: 1000000", b"a" * 1_000_000
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"Nothing was saved" in answer


def test_who_waits_to_be_told_is_told_no(served: Served) -> None:
    with closing(served.connect()) as visitor:
        expect = "Expect: 100-continue"
        head = served.head("POST /sign-in/ HTTP/1.1", f"Content-Length: {LARGE}", expect)
        visitor.sendall(head.encode())
        assert read_all(visitor).startswith(b"HTTP/1.1 413")


def test_a_member_uploads_a_large_file(owner_client: Client, served: Served) -> None:
    rows = b"email\r\n" + b"".join(b"orang-%d@kopisenja.example\r\n" % n for n in range(200_000))
    # Sets the cookie that the form's token belongs to.
    owner_client.get("/kopi-senja/subscribers/import/")
    name = settings.CSRF_COOKIE_NAME
    token = owner_client.cookies[name].value
    cookies = f"{cookie_of(owner_client)}; {name}={token}"
    body = form_of(rows, token=token)
    answer = served.ask(
        f"POST /kopi-senja/subscribers/import/ HTTP/1.1\r\n{TYPE}\r\n{cookies}\r\n"
        f"Content-Length: {len(body)}",
        body,
    )
    assert answer.startswith(b"HTTP/1.1 302"), answer[:500]
    assert Import.objects.get().size == len(rows)


def test_a_member_sends_no_file_where_none_is_taken(owner_client: Client, served: Served) -> None:
    with closing(served.connect()) as visitor:
        head = served.head(
            "POST /profile/ HTTP/1.1", TYPE, cookie_of(owner_client), f"Content-Length: {LARGE}"
        )
        visitor.sendall(head.encode())
        assert read_all(visitor).startswith(b"HTTP/1.1 413")


def test_a_program_with_a_key_sends_more_than_anybody(
    workspace: Workspace, owner: User, served: Served
) -> None:
    key = api_keys.create(workspace, name="Toko", role="owner", by=owner)
    body = b'{"name": "' + b"a" * 1_000_000 + b'", "rules": {}}'
    json = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    refused = served.ask(f"POST /api/v1/segments HTTP/1.1\r\n{json}", body)
    taken = served.ask(
        f"POST /api/v1/segments HTTP/1.1\r\nAuthorization: Bearer {key}\r\n{json}", body
    )
    assert refused.startswith(b"HTTP/1.1 413")
    assert b'{"detail": "The body is larger' in refused
    assert taken.startswith(b"HTTP/1.1 422")


def test_too_many_fields_and_files_are_refused(served: Served) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    fields = b"&".join(b"a%d=" % number for number in range(3000))
    parts = b"".join(
        b'--kopi\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\r\n'
        for _ in range(2000)
    )
    for kind, body in ((form, fields), (TYPE, parts + b"--kopi--\r\n")):
        answer = served.ask(
            f"POST /sign-in/ HTTP/1.1\r\n{kind}\r\nContent-Length: {len(body)}", body
        )
        assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        "POST /sign-in/ HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "POST /sign-in/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
        "POST /sign-in/ HTTP/1.1\r\nContent-Length: -1",
        "POST /sign-in/ HTTP/1.1\r\nContent-Length: 5x",
        "POST /sign-in/ HTTP/1.1\r\nTransfer-Encoding: chunked, identity",
        "GET / HTTP/1.1\r\nX-One : space",
        "CONNECT example.com:443 HTTP/1.1",
    ],
)
def test_requests_that_can_be_read_in_two_ways_are_refused(served: Served, head: str) -> None:
    assert served.ask(head, b"hello").startswith(b"HTTP/1.1 4")


def test_a_name_with_underscores_does_not_pass_for_one_with_hyphens() -> None:
    scope = {
        "method": "GET",
        "raw_path": b"/",
        "query_string": b"",
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.7", 1),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", b"192.0.2.1"), (b"x_forwarded_for", b"198.51.100.1")],
    }
    assert environ_of(scope)["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
