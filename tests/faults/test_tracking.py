"""Opens and clicks while the web process, Valkey and PostgreSQL are killed, frozen and emptied.

What was answered is recorded, once; no answer is an error; figures are what the events say.
"""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.conftest import Run
from tests.faults.product import OTHER_QUEUES, Product

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.faults

PEOPLE = 400
LINKS = 40  # nobody follows all of them, which would look like a scanner
VISITORS = 8
HEADERS = (
    "Host: news.example\r\nAccept: */*\r\nAccept-Language: id\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n\r\n"
)
SETUP = """
from datetime import timedelta
from pathlib import Path
from django.utils import timezone
from campaigns.models import Campaign, Link
from delivery.mime import tokens
from delivery.models import Dispatch, Message
from delivery.states import MessageState
from subscribers.models import Subscriber
sent = timezone.now() - timedelta(hours=1)
campaign = Campaign.objects.create(workspace_id=1, name="Panen", status="sent", finished_at=sent)
Dispatch.objects.create(campaign=campaign, workspace_id=1, lists=[1], planning_done_at=sent)
for number in range(1, LINKS + 1):
    Link.objects.create(campaign=campaign, ordinal=number, url=f"https://kopi.example/{number}")
made = Message.objects.bulk_create(
    Message(campaign=campaign, subscriber_id=pk, state=MessageState.SENT, attempted_at=sent)
    for pk in Subscriber.objects.values_list("pk", flat=True))
Path(OUT).write_text("\\n".join(tokens.make(one.pk, tokens.Purpose.TRACK) for one in made))
"""
RECORDED = "SELECT count(*) FROM delivery_event WHERE kind IN (4, 5)"
LOST = "SELECT coalesce(sum(lost), 0)::int FROM delivery_streamposition"
# Ordinal 0 of clicks, and of opens with those that a click implies.
DIFFERENT = """
WITH said AS (
    SELECT kind, link_ordinal, count(*) AS total, count(DISTINCT message_id) AS people
    FROM delivery_event WHERE kind = 5 GROUP BY 1, 2
    UNION ALL
    SELECT 5, 0, count(*), count(DISTINCT message_id) FROM delivery_event WHERE kind = 5
    UNION ALL
    SELECT 4, 0, count(*) FILTER (WHERE kind = 4) + (
        SELECT count(*) FROM (SELECT message_id FROM delivery_event WHERE kind IN (4, 5)
            GROUP BY 1 HAVING bool_and(kind = 5)) AS only_clicked
    ), count(DISTINCT message_id) FROM delivery_event WHERE kind IN (4, 5)
)
SELECT * FROM said FULL JOIN delivery_eventtally tally USING (kind, link_ordinal)
WHERE said.total IS DISTINCT FROM tally.total OR said.people IS DISTINCT FROM tally.unique
"""


class Crowd:
    """Visitors that open and click without end, and what they were answered."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self.port = port
        self.tokens = tokens
        self.answered: Counter[str] = Counter()
        self.doubtful = 0  # sent, and the connection broke
        self._over = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask for the length of the block."""
        threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(VISITORS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask(self, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - which link somebody clicks
        while not self._over.is_set():
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as visitor:
                visitor.settimeout(30)
                while not self._over.is_set():
                    token = dice.choice(self.tokens)
                    link = dice.randint(1, LINKS)
                    path = f"/o/{token}.gif" if dice.random() < 0.7 else f"/c/{token}/{link}/"
                    if not self._once(visitor, path):
                        break
            time.sleep(0.02)

    def _once(self, visitor: socket.socket, path: str) -> bool:
        answer = b""
        with suppress(OSError):
            visitor.sendall(f"GET {path} HTTP/1.1\r\n{HEADERS}".encode())
            while b"\r\n\r\n" not in answer and (piece := visitor.recv(4096)):
                answer += piece
        with self._lock:
            if b"\r\n\r\n" not in answer:
                self.doubtful += 1
                return False
            self.answered[answer[9:12].decode()] += 1
        return True


@contextmanager
def crowd_at(product: Product) -> Iterator[tuple[Crowd, "list[subprocess.Popen[bytes]]"]]:
    """Run a web process and what takes events in; the list holds the process, to be replaced."""
    product.people(PEOPLE, port=None)
    out = product.data_dir / "tokens"
    product.manage("shell", "-v", "0", "-c", f"LINKS, OUT = {LINKS}, {str(out)!r}\n{SETUP}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    product.environment |= {"PORT": str(port)}
    product.worker(OTHER_QUEUES, processes=1)
    web = [serve(product, port)]
    try:
        yield Crowd(port, out.read_text().split()), web
    finally:
        web[0].terminate()
        web[0].wait(timeout=30)


def serve(product: Product, port: int) -> "subprocess.Popen[bytes]":
    """Start a web process and wait until it listens."""
    web = product._popen("-m", "config.server.web")

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    product.until(listens)
    return web


def settled(product: Product, crowd: Crowd) -> tuple[int, int]:
    """Wait until everything answered is recorded or known as lost; returns how many of each."""
    answered = crowd.answered.total()

    def is_here() -> bool:
        return bool(product.query(RECORDED)[0][0] + product.query(LOST)[0][0] >= answered)

    with suppress(TimeoutError):
        product.until(is_here, seconds=60)
    product.until(lambda: product.redis().xlen("tracking:sightings") == 0)
    recorded, lost = product.query(RECORDED)[0][0], product.query(LOST)[0][0]
    assert answered <= recorded + lost, (crowd.answered, crowd.doubtful)
    assert recorded + lost <= answered + crowd.doubtful, (crowd.answered, crowd.doubtful)
    assert set(crowd.answered) <= {"200", "302"}
    assert crowd.answered["200"] > 50
    assert crowd.answered["302"] > 20
    assert product.query(DIFFERENT) == []
    return recorded, lost


@pytest.mark.quick
def test_the_web_process_is_killed_under_load(run: Run) -> None:
    with run(sending=0) as product, crowd_at(product) as (crowd, web):
        with crowd.asking():
            for _ in range(3):
                time.sleep(1)
                web[0].kill()
                web[0].wait()
                web[0] = serve(product, crowd.port)
        recorded, lost = settled(product, crowd)
        assert lost == 0
        assert recorded


@pytest.mark.quick
def test_redis_is_frozen_killed_and_the_web_process_with_it(run: Run, data_dir: Path) -> None:
    """Hits go to the file; another web process sends on what the killed one left there."""
    with run(sending=0) as product, crowd_at(product) as (crowd, web):
        valkey = data_dir / "valkey" / "valkey.pid"
        with crowd.asking():
            time.sleep(1)
            frozen = int(valkey.read_text())
            os.kill(frozen, signal.SIGSTOP)
            time.sleep(2)
            web[0].kill()
            web[0].wait()
            assert list((product.data_dir / "tracking").glob("*.hits"))
            os.kill(frozen, signal.SIGCONT)
            web[0] = serve(product, crowd.port)
            time.sleep(1)
            os.kill(int(valkey.read_text()), signal.SIGKILL)
            time.sleep(3)
        _recorded, lost = settled(product, crowd)
        assert lost == 0
        product.until(lambda: not list((product.data_dir / "tracking").glob("*.hits")))


def test_redis_is_flushed(run: Run) -> None:
    """The web process sends again what Redis forgot; what is taken in by then counts once."""
    with run(sending=0) as product, crowd_at(product) as (crowd, _web):
        with crowd.asking():
            for _ in range(3):
                time.sleep(1.3)
                product.redis().flushall()
            time.sleep(1)
        _recorded, lost = settled(product, crowd)
        assert lost == 0


@pytest.mark.quick
def test_postgresql_is_away(run: Run, data_dir: Path) -> None:
    """Links come from memory; events wait."""
    with run(sending=0) as product, crowd_at(product) as (crowd, _web):
        with crowd.asking():
            time.sleep(2)
            postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            time.sleep(1)
            product.until(product.answers, seconds=60)
            time.sleep(1)
        _recorded, lost = settled(product, crowd)
        assert lost == 0
