"""Every page and every route of the API while Valkey or PostgreSQL is away, frozen or full.

Pages work on without Valkey. What can't be done is answered with 503, in the reader's language and
within bounds, never with 500; and what was done is not told as an error because nobody was woken.
"""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from config.runtime import embedded
from tests.faults.product import Product, alive, children
from tests.faults.walking import Answer, Visitor

pytestmark = pytest.mark.faults

READY = "/health/ready"  # says with 503 which service is away
NOT_NOW = "Sebagian Warta sedang tidak menjawab"  # as an Indonesian reads the page
ADDRESSES = 100  # the walk is worth nothing if it finds few addresses


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A product with web pages alone, and every address of it."""

    product: Product
    visitor: Visitor
    paths: list[str]
    campaign: int

    def pid(self, service: str) -> int:
        """Return the id of a service's main process."""
        name = {"postgres": "postmaster.pid", "valkey": "valkey.pid"}[service]
        home = embedded.places(self.product.data_dir).home
        return int((home / service / name).read_text().split()[0])

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """Have nothing listen there for the length of the block."""
        server = self.pid(service)
        supervisor = int(Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(supervisor, signal.SIGSTOP)  # else it starts another
        try:
            os.kill(server, signal.SIGINT if service == "postgres" else signal.SIGKILL)
            self.product.until(lambda: not alive(server))
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)
            self.product.until(self.product.answers)

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """Have it take connections and say nothing for the length of the block."""
        server = self.pid(service)
        processes = [server, *children(server)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
            self.product.until(self.product.answers)

    @contextmanager
    def full(self, service: str) -> Iterator[None]:
        """Have Valkey refuse to store anything for the length of the block."""
        assert service == "valkey"
        self.product.redis().config_set("maxmemory", "1")
        try:
            with pytest.raises(redis.ResponseError):
                self.product.redis().set("anything", 1)
            yield
        finally:
            self.product.redis().config_set("maxmemory", "0")


STOPPED = pytest.param(Walk.stopped, marks=pytest.mark.quick)


@pytest.fixture
def walk(data_dir: Path, cluster: Path) -> Iterator[Walk]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {"DATABASE_PATIENCE": "2", "WEB_THREADS": "8", "HOST": "127.0.0.1"}
    product = Product(data_dir, PORT=str(port), LOG_PART="web", **settings)
    home = embedded.places(data_dir).home
    subprocess.run(["/bin/cp", "-a", cluster, home], check=True)
    with embedded.services(data_dir):
        product.manage("collectstatic", "--no-input", "--verbosity=0")
        code = "from tests.faults import furnished; furnished.tell()"
        told: dict[str, Any] = json.loads(product.manage("shell", "-v", "0", "-c", code))
        visitor = Visitor(port=port, cookies=told["cookies"], key=told["key"])
        web = product._popen("-m", "config.server.web")
        try:
            product.until(lambda: _answers(visitor))
            yield Walk(
                product=product, visitor=visitor, paths=told["paths"], campaign=told["campaign"]
            )
        finally:
            web.terminate()
            web.wait(timeout=60)


def _answers(visitor: Visitor) -> bool:
    try:
        return visitor.ask(READY).status == 200
    except OSError:
        return False


def is_clear(path: str, answer: Answer) -> bool:
    """Say whether an answer is a page that works, or one that says in a sentence what to do."""
    if answer.status != 503:
        return answer.status < 500
    if path == READY:
        return True
    said = json.loads(answer.body)["detail"] if path.startswith("/api/") else answer.body
    wanted = "Try again" if path.startswith("/api/") else NOT_NOW
    return wanted in said and "retry-after" in answer.headers


def unclear(answers: dict[str, Answer]) -> dict[str, tuple[int, str]]:
    return {
        path: (answer.status, answer.body[:200])
        for path, answer in answers.items()
        if not is_clear(path, answer)
    }


@pytest.mark.parametrize("how", [STOPPED, Walk.frozen, Walk.full])
def test_every_page_works_on_without_valkey(walk: Walk, how: Callable[..., Any]) -> None:
    usual = {path: found.status for path, found in walk.visitor.walk(walk.paths).items()}
    assert len(usual) > ADDRESSES
    assert {path: status for path, status in usual.items() if status >= 500} == {}
    with how(walk, "valkey"):
        answers = walk.visitor.walk(walk.paths)
        assert unclear(answers) == {}
        changed = {
            path: (usual[path], answer.status)
            for path, answer in answers.items()
            if answer.status != usual[path]
        }
        ready = {} if how is Walk.full else {READY: (200, 503)}  # it answers, only stores nothing
        assert changed == ready
    assert walk.visitor.ask(READY).status == 200


@pytest.mark.parametrize("how", [STOPPED, Walk.frozen])
def test_every_page_says_so_without_the_database(walk: Walk, how: Callable[..., Any]) -> None:
    with how(walk, "postgres"):
        answers = walk.visitor.walk(walk.paths)
        assert unclear(answers) == {}
        assert sum(answer.status == 503 for answer in answers.values()) > ADDRESSES
    assert walk.visitor.ask("/kopi-senja/campaigns/").status == 200
    assert unclear(walk.visitor.walk(walk.paths)) == {}


@pytest.mark.parametrize("how", [STOPPED, Walk.frozen, Walk.full])
def test_what_is_done_is_not_told_as_an_error_because_nobody_was_woken(
    walk: Walk, how: Callable[..., Any]
) -> None:
    campaign = f"/api/v1/campaigns/{walk.campaign}"
    with how(walk, "valkey"):
        answer = walk.visitor.ask(f"{campaign}/pause", method="POST")
        assert (answer.status, json.loads(answer.body)["status"]) == (200, "paused")
        assert (
            walk.visitor.ask("/kopi-senja/subscribers/duplicates/search/", method="POST").status
            < 404
        )
        # One after the other: some delete what others change.
        assert unclear(walk.visitor.walk(walk.paths, method="POST", at_once=1)) == {}


@pytest.mark.parametrize("how", [STOPPED, Walk.frozen])
def test_every_act_says_so_without_the_database(walk: Walk, how: Callable[..., Any]) -> None:
    with how(walk, "postgres"):
        assert unclear(walk.visitor.walk(walk.paths, method="POST")) == {}
