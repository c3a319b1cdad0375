"""Nobody who sends slowly, never ends, or does not read keeps others from being served."""

import time
from contextlib import ExitStack, closing, suppress

import pytest
from django.test import Client

from accounts.models import Workspace
from subscribers.models import Subscriber
from tests.web.conftest import Served, cookie_of, read_all

MANY = 300
EXPORT = "/kopi-senja/subscribers/export/file/?column=email&column=first_name&column=last_name"


def is_served(served: Served) -> bool:
    """Say whether an ordinary visitor gets a page."""
    return served.ask("GET /sign-in/ HTTP/1.1").startswith(b"HTTP/1.1 200")


SLOW = {
    "a body that never comes": ["POST /sign-in/ HTTP/1.1", "Content-Length: 500"],
    "a large upload that never comes": [
        "POST /subscribers/import/ HTTP/1.1",
        "Content-Length: 200000",
        "Content-Type: multipart/form-data; boundary=x",
    ],
    "chunks that never end": ["POST /sign-in/ HTTP/1.1", "Transfer-Encoding: chunked"],
    "a length that is a lie": ["GET / HTTP/1.1", "Content-Length: 9"],
    "waiting to be told to go on": [
        "POST /sign-in/ HTTP/1.1",
        "Content-Length: 500",
        "Expect: 100-continue",
    ],
}


@pytest.mark.parametrize("lines", SLOW.values(), ids=SLOW.keys())
def test_bodies_that_do_not_come_stall_nobody(served: Served, lines: list[str]) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            visitor = stack.enter_context(closing(served.connect()))
            visitor.sendall(served.head(*lines).encode())
        assert is_served(served)


def test_headers_that_never_end_stall_nobody(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            visitor = stack.enter_context(closing(served.connect()))
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert is_served(served)


def test_who_says_nothing_stalls_nobody(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(2 * MANY):
            stack.enter_context(closing(served.connect()))
        assert is_served(served)


def test_a_slow_body_is_told_so_and_its_connection_ends(served: Served) -> None:
    with closing(served.connect()) as visitor:
        visitor.sendall(served.head("POST /sign-in/ HTTP/1.1", "Content-Length: 500").encode())
        visitor.sendall(b"login=")
        answer = read_all(visitor)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"took too long" in answer


def test_slow_headers_end_the_connection(served: Served) -> None:
    with closing(served.connect()) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\n")
        assert read_all(visitor) == b""


def test_headers_without_end_are_refused(served: Served) -> None:
    with closing(served.connect()) as visitor:
        head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2_000_000
        with suppress(ConnectionError):
            visitor.sendall(head)
        answer = read_all(visitor)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert is_served(served)


def test_chunk_extensions_without_end_are_refused(served: Served) -> None:
    with closing(served.connect()) as visitor:
        head = served.head("POST /sign-in/ HTTP/1.1", "Transfer-Encoding: chunked").encode()
        with suppress(ConnectionError):
            visitor.sendall(head + b"1;" + b"a" * 2_000_000)
        assert b"200 OK" not in read_all(visitor)
    assert is_served(served)


@pytest.fixture
def many_people(workspace: Workspace) -> Workspace:
    """So many that an export does not fit into any buffer."""
    Subscriber.objects.bulk_create(
        Subscriber(
            workspace=workspace,
            email=f"orang-{number}@kopisenja.example",
            email_key=f"orang-{number}@kopisenja.example",
            first_name="N" * 90,
            last_name="M" * 90,
        )
        for number in range(20_000)
    )
    return workspace


def test_exports_that_are_not_read_stall_nobody_and_end(
    many_people: Workspace, owner_client: Client, served: Served
) -> None:
    cookie = cookie_of(owner_client)
    with ExitStack() as stack:
        readers = []
        for _ in range(6):
            visitor = stack.enter_context(closing(served.connect(receive_buffer=4096)))
            visitor.sendall(served.head(f"GET {EXPORT} HTTP/1.1", cookie).encode())
            readers.append(visitor)
        for visitor in readers:
            assert visitor.recv(12) == b"HTTP/1.1 200"
        assert is_served(served)
        until = time.monotonic() + 120
        while served.visitors():  # closed by the server, though we keep our ends open
            assert time.monotonic() < until
            time.sleep(0.5)


def test_an_export_arrives_whole_beside_them(
    many_people: Workspace, owner_client: Client, served: Served
) -> None:
    answer = served.ask(f"GET {EXPORT} HTTP/1.1\r\n" + cookie_of(owner_client))
    assert answer.count(b"@kopisenja.example") >= 20_000
    assert answer.endswith(b"\r\n0\r\n\r\n")
