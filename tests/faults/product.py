"""The product as it runs: own PostgreSQL and Valkey, real workers and beat, in real processes.

For tests that kill things and for benchmarks. Everything lies in a folder of its own; nothing of
Django is used here, so that what is checked is what the database says.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

BASE = Path(__file__).parent.parent.parent
OTHER_QUEUES = "events,default,mail,long"  # all but those of sending
STATES = {
    1: "planned",
    4: "sent",
    5: "deferred",
    6: "failed",
    7: "unknown",
    8: "skipped",
    9: "cancelled",
}


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie doesn't)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Product:
    """One installation with its processes."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "SMTP_URL"}
        } | {
            "DATA_DIR": str(data_dir),
            "SECRET_KEY": "of-a-test-7Vq2mZx9Lr4Tn8Kd3Wp6Yb1Hc5Js0Gf",
            "SITE_URL": "http://news.example",
            "LOG_FORMAT": "json",
            **settings,
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        self.beat: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self, *, sending: int = 2, cluster: Path | None = None) -> Iterator["Product"]:
        """Run services, workers and beat for the length of the block.

        ``sending``: how many processes send; 0: no workers, whoever asks starts them.
        ``cluster``: a stopped PostgreSQL's folder with a migrated database, to begin with a copy.
        """
        from config.runtime import embedded

        if cluster is not None:
            home = embedded.places(self.data_dir).home
            home.mkdir(parents=True, exist_ok=True)
            subprocess.run(["/bin/cp", "-a", cluster, home], check=True)
        with embedded.services(self.data_dir):
            if cluster is None:
                self.manage("migrate", "--verbosity", "0")
            self.start(sending=sending)
            try:
                yield self
            finally:
                self.stop()

    @contextmanager
    def shipped(self) -> Iterator[int]:
        """Run all of it as `make run` does for the length of the block; yields its process id."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.environment |= {"PORT": str(port), "DEMO": "0"}
        process = self._popen("-m", "config.run")
        try:
            self.until(self._is_ready, seconds=300)
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=90)

    def _is_ready(self) -> bool:
        return "Warta is ready" in (self.data_dir / "workers.log").read_text()

    def start(self, *, sending: int = 2) -> None:
        """Start workers and beat, and wait until they give a sign of life."""
        self.start_beat()
        if sending:
            self.worker("sending", processes=sending)
            self.worker(OTHER_QUEUES, processes=1)
            self.wait_for_workers()

    def wait_for_workers(self) -> None:
        """Wait until workers for all queues and beat have given a new sign of life."""
        since = time.time()
        self.until(
            lambda: all(
                self.redis().zcount(f"heartbeat:{kind}", since, "+inf")
                for kind in ("sending", "default", "beat")
            ),
            seconds=120,
        )

    def start_beat(self) -> None:
        """Start beat."""
        self.beat = self._popen("-m", "celery", "-A", "config.celery", "beat", "--pidfile=")

    def worker(
        self, queues: str, *, processes: int, host: str = "", modules: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start one worker; ``host`` pretends that it runs on another machine.

        ``modules`` have further tasks.
        """
        name = queues.split(",", maxsplit=1)[0]
        started = self._popen(
            *("-m", "celery", "--quiet", "-A", "config.celery", "worker", f"--queues={queues}"),
            *(
                f"--concurrency={processes}",
                f"--hostname={name}@{host or '%h'}-{len(self.workers)}",
                *(f"--include={module}" for module in modules),
            ),
            *("--without-gossip", "--without-mingle"),
        )
        self.workers.append(started)
        return started

    def _popen(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.data_dir / "workers.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=BASE,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def senders(self) -> list[int]:
        """Return the ids of the sending processes, main processes first left out."""
        return [
            child
            for worker in self.workers
            if worker.poll() is None and b"--queues=sending" in _command(worker.pid)
            for child in children(worker.pid)
        ]

    def kill(self, pid: int) -> None:
        """Kill -9 one process."""
        os.kill(pid, signal.SIGKILL)

    def kill_workers(self) -> None:
        """Kill -9 all workers with their children, as a power cut would."""
        for worker in self.workers:
            for pid in [*children(worker.pid), worker.pid]:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
            worker.wait()
        self.workers.clear()

    def stop(self) -> None:
        """Stop everything in an orderly way."""
        running = [*self.workers, *([self.beat] if self.beat else [])]
        for process in running:
            if process.poll() is None:
                process.terminate()
        for process in running:
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.workers.clear()
        self.beat = None

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", *arguments],
            cwd=BASE,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout

    def command(self, *arguments: str) -> Any:
        """Run a command with ``--json`` and return its answer."""
        return json.loads(self.manage(*arguments, "--json"))

    def redis(self) -> redis.Redis:
        """Return a client of the product's Valkey."""
        from config.runtime import embedded

        return redis.Redis.from_url(embedded.redis_url(self.data_dir))

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a connection to the product's database."""
        from config.runtime import embedded

        settings = embedded.database_settings(self.data_dir)
        return psycopg.connect(
            dbname=settings["NAME"],
            user=settings["USER"],
            host=settings["HOST"],
            autocommit=True,
        )

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def answers(self) -> bool:
        """Say whether PostgreSQL and Valkey answer."""
        try:
            return bool(self.query("SELECT 1") and self.redis().ping())
        except (psycopg.Error, redis.RedisError):
            return False

    def until(self, is_true: Any, *, seconds: float = 60.0, every: float = 0.1) -> None:
        """Wait until something is true.

        Raises:
            TimeoutError: it did not become true in time.
        """
        deadline = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(every)

    def people(
        self,
        count: int,
        *,
        workspace: int = 1,
        host: str = "127.0.0.1",
        port: int | None,
        **account: Any,
    ) -> None:
        """Make a workspace with a sending account and one list of ``count`` subscribers.

        ``port`` None: the account is the one that SMTP_URL describes, as a start makes it.
        """
        with self.connect() as connection, connection.transaction():
            slug = {"workspace": workspace, "slug": f"kopi-{workspace}"}
            connection.execute(_WORKSPACE, slug)
            connection.execute(_LIST, slug)
            connection.execute(_PEOPLE, {"count": count, "workspace": workspace})
            if port is not None:
                connection.execute(
                    _ACCOUNT,
                    {"host": host, "port": port, "connections": 8, "per_connection": 500}
                    | {"workspace": workspace}
                    | dict.fromkeys(("per_second", "per_minute", "per_hour", "per_day"))
                    | account,
                )
        if port is None:
            code = "from delivery.accounts import setup; setup.follow_settings()"
            self.manage("shell", "-v", "0", "-c", code)
        with self.connect() as connection:
            connection.execute("VACUUM ANALYZE")

    def campaign(
        self, content: str, *, subject: str = "Panen raya, {{ first_name }}", workspace: int = 1
    ) -> int:
        """Begin to send a campaign to everybody; returns its number."""
        path = self.data_dir / "campaign.html"
        path.write_text(content, encoding="utf-8")
        found = self.command(
            *("send_campaign", "--list", "Everybody", "--subject", subject),
            *("--html", str(path), "--from", "Kopi Senja <kabar@kopisenja.example>"),
            *("--workspace", f"kopi-{workspace}"),
        )
        return int(found["id"])

    def states(self, campaign: int) -> dict[str, int]:
        """Count a campaign's messages by state, from the ledger itself."""
        rows = self.query(
            "SELECT state, count(*) FROM delivery_message WHERE campaign_id = %s GROUP BY 1",
            campaign,
        )
        return {STATES[state]: count for state, count in rows}

    def tallies(self, campaign: int) -> dict[str, int]:
        """Count a campaign's messages by state, from the maintained tallies."""
        rows = self.query(
            "SELECT state, sum(count)::int FROM delivery_messagetally WHERE campaign_id = %s"
            " GROUP BY 1 HAVING sum(count) <> 0",
            campaign,
        )
        return {STATES[state]: count for state, count in rows}

    def status(self, campaign: int) -> str:
        """Return a campaign's status."""
        rows = self.query("SELECT status FROM campaigns_campaign WHERE id = %s", campaign)
        return str(rows[0][0])

    def sent(self, campaign: int) -> int:
        """Return how many messages count as sent, by the tallies."""
        return self.tallies(campaign).get("sent", 0)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


_ACCOUNT = """
INSERT INTO delivery_sendingaccount (workspace_id, name, kind, host, port, tls, verify_certificate,
    username, encrypted_password, from_domains, default_from, position, max_connections,
    messages_per_connection, per_second, per_minute, per_hour, per_day, trouble_count,
    broken_reason, created_at)
VALUES (%(workspace)s, 'Relay', 'smtp', %(host)s, %(port)s, 'none', true, '', '', '{}',
    'Kopi Senja <kabar@kopisenja.example>', 0, %(connections)s, %(per_connection)s,
    %(per_second)s, %(per_minute)s, %(per_hour)s, %(per_day)s, 0, '', now())
"""
_WORKSPACE = """
INSERT INTO accounts_workspace (id, name, slug, postal_address, website, brand_colour,
    default_language, time_zone, address_key, is_demo, checklist_dismissed, created_at)
VALUES (%(workspace)s, 'Kopi Senja', %(slug)s, 'Jalan Malabar 7, Bandung', '', '#0f6e63', 'en',
    'UTC', '\\x00', false, false, now())
"""
_LIST = """
INSERT INTO subscribers_list (id, workspace_id, name, public_id, description, visibility, opt_in,
    language, created_at)
VALUES (%(workspace)s, %(workspace)s, 'Everybody', 'everybody' || %(workspace)s, '', 'public',
    'single', '', now())
"""
_PEOPLE = """
WITH people AS (
    INSERT INTO subscribers_subscriber (workspace_id, email, email_key, address_hash, domain_group,
        first_name, last_name, language, time_zone, fields, created_at, updated_at)
    SELECT %(workspace)s, 'reader' || n || '@example.net', 'reader' || n || '@example.net',
        decode(md5(n::text), 'hex'), n %% 4, 'Name' || n, 'Surname' || n, '', '', '{}', now(), now()
    FROM generate_series(1, %(count)s) AS n ORDER BY n
    RETURNING id
)
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT %(workspace)s, %(workspace)s, id, 'subscribed', now(), now() FROM people ORDER BY id
"""
