"""Takes the web process's hits to Redis, many in one write, before their answers go out.

Runs on the event loop. While one write is under way, hits gather for the next. When Redis does not
answer, they go to a file (`spool`) and from there, in their order, to Redis when it is back; until
then later ones queue up behind them, so an origin's entries never overtake each other and
`ingest` needs one number to know what it has.

What is answered stands in Redis or in the file: a killed process loses nothing that it answered.
What went to Redis lately is kept in memory, too, and is sent again when Redis has forgotten it
(flushed, or started again with nothing).
"""

import asyncio
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import redis
from redis import asyncio as redis_async

from delivery.tracking import hits, spool
from delivery.tracking.spool import Batch

log = logging.getLogger(__name__)

MOST_AT_ONCE = 500  # hits of one entry
MOST_WAITING = 20_000  # hits in memory; the machine can't keep up, and more are not counted
AWAY_SECONDS = 1.0  # between two tries of a Redis that does not answer
LOOK_SECONDS = 30.0  # between two looks for files that others left behind
RECENT_SECONDS = 30.0  # for which what went to Redis is kept in memory
MOST_RECENT = 100_000  # hits of that
KNOWN_SECONDS = 7 * 86_400  # after that Redis is told anew who we are
SENT_ON_AT_ONCE = 64  # entries of a file in one write

Done = Callable[[bool], object]


class Writer:
    """The one way of this process's hits; ``Done`` is told whether a hit is safe."""

    def __init__(self, *, url: str, folder: Path) -> None:
        self.origin = f"{int(time.time()):x}-{os.getpid():x}-{secrets.token_hex(4)}"
        self._url = url
        self._folder = folder
        self._spool = spool.Spool(folder, self.origin)
        self._waiting: list[tuple[bytes, Done, bool]] = []
        self._number = 0
        self._link: Any = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._retry_at = 0.0
        self._lost = 0
        self._sent_through = 0  # a place in the file
        self._recent: deque[tuple[float, Batch]] = deque()
        self._recent_hits = 0
        self._is_ending = False

    def start(self) -> None:
        """Begin to write."""
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._look())]

    async def stop(self) -> None:
        """Write what waits, and end."""
        self._is_ending = True
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._tasks[0]), timeout=3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hang_up()

    def add(self, line: bytes, done: Done, *, is_durable: bool = False) -> None:
        """Take a hit in (`hits.encode`); ``done`` is called, on the loop, when it is safe or lost.

        ``is_durable``: it must survive the machine's end, too, as far as we can see to it.
        """
        if len(self._waiting) >= MOST_WAITING:
            self._lose([(line, done, is_durable)])
            return
        if not self._waiting:
            self._wake.set()
        self._waiting.append((line, done, is_durable))

    async def _write(self) -> None:
        while True:
            if not self._waiting:
                if self._is_ending:
                    return
                await self._rest()
            if self._spool and time.monotonic() >= self._retry_at:
                await self._send_on()
            taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if taken:
                await self._take(taken)

    async def _rest(self) -> None:
        """Wait for hits; meanwhile see whether Redis still has the last ones."""
        self._wake.clear()
        timeout = AWAY_SECONDS if self._spool or self._recent else None
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
            return
        self._forget_recent()
        if self._recent and not self._spool and time.monotonic() >= self._retry_at:
            try:
                await self._send([])
            except (redis.RedisError, OSError, TimeoutError) as error:
                self._is_away(error)

    async def _take(self, taken: "list[tuple[bytes, Done, bool]]") -> None:
        batch = Batch(self._number, len(taken), b"\n".join(line for line, _, _ in taken))
        if not self._spool and time.monotonic() >= self._retry_at:
            try:
                await self._send([batch])
            except (redis.RedisError, OSError, TimeoutError) as error:
                self._is_away(error)
        if self._spool or time.monotonic() < self._retry_at:
            try:
                self._spool.append(batch, is_durable=any(durable for _, _, durable in taken))
            except (OSError, spool.FullError):
                self._number += len(taken)  # a gap, by which `ingest` knows that they are lost
                self._lose(taken)
                return
        self._number += len(taken)
        for _line, done, _durable in taken:
            done(True)

    def _lose(self, taken: "Iterable[tuple[bytes, Done, bool]]") -> None:
        for _line, done, _durable in taken:
            if not self._lost:
                log.error("opens and clicks are not counted: there is no room for them")
            self._lost += 1
            done(False)

    def _is_away(self, error: BaseException) -> None:
        if time.monotonic() - self._retry_at > AWAY_SECONDS * 5:
            log.warning("hits go to a file: Redis does not take them (%s)", type(error).__name__)
        self._retry_at = time.monotonic() + AWAY_SECONDS

    async def _send_on(self) -> None:
        """Bring what stands in the file to Redis, in its order; visitors who come don't wait."""
        try:
            while self._sent_through < self._spool.size:
                self._sent_through = await self._send_some(self._sent_through)
                if self._waiting:
                    return  # they go to the file's end, and sending goes on after that
        except (redis.RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
        else:
            self._spool.clear()
            self._sent_through = self._lost = 0

    async def _send_some(self, since: int) -> int:
        found = list(islice(spool.read(self._spool.path, since=since), SENT_ON_AT_ONCE))
        if not found:
            raise OSError("the spool can't be read")
        await self._send([batch for _end, batch in found])
        return found[-1][0]

    async def _look(self) -> None:
        """Send on what killed processes left behind."""
        while True:
            if time.monotonic() >= self._retry_at:
                for left in spool.left_behind(self._folder):
                    await self._send_left(left)
            await asyncio.sleep(LOOK_SECONDS)

    async def _send_left(self, left: spool.Left) -> None:
        is_sent = False
        link = None
        try:
            link = await self._connect()
            known = ("SET", _mark(left.origin), "1", "EX", KNOWN_SECONDS)
            for _end, batch in spool.read(left.path):
                await _ask(link, [known, _command(left.origin, batch)])
            is_sent = True
        except (redis.RedisError, OSError, TimeoutError):
            log.warning("a file of hits could not be sent on yet")
        finally:
            left.release(is_sent=is_sent)
            if link is not None:
                await link.disconnect(nowait=True)

    async def _send(self, batches: list[Batch]) -> None:
        """Add entries to the stream, in one write; where it forgot earlier ones, those first.

        Raises:
            redis.RedisError, OSError, TimeoutError: perhaps they were added, perhaps not.
        """
        if self._link is None:
            self._link = await self._connect()
        try:
            asked = batches or [_NOTHING]
            answers = await _ask(self._link, [_command(self.origin, one) for one in asked])
            if _FORGOTTEN in answers:
                again = [batch for _at, batch in self._recent]
                if again:
                    log.warning("Redis has forgotten what it held; the last hits are sent again")
                begin = ("SET", _mark(self.origin), "1", "EX", KNOWN_SECONDS)
                commands = [_command(self.origin, one) for one in [*again, *batches]]
                await _ask(self._link, [begin, *commands])
        except BaseException:
            await self._hang_up()
            raise
        now = time.monotonic()
        self._recent.extend((now, batch) for batch in batches)
        self._recent_hits += sum(batch.count for batch in batches)
        self._forget_recent()

    def _forget_recent(self) -> None:
        before = time.monotonic() - RECENT_SECONDS
        while self._recent and (self._recent_hits > MOST_RECENT or self._recent[0][0] < before):
            self._recent_hits -= self._recent.popleft()[1].count

    async def _connect(self) -> Any:
        pool: Any = redis_async.ConnectionPool.from_url(
            self._url, socket_timeout=hits.TIMEOUT, socket_connect_timeout=hits.TIMEOUT
        )
        link = pool.make_connection()
        async with asyncio.timeout(hits.TIMEOUT * 2):
            await link.connect()
        return link

    async def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(redis.RedisError, OSError, TimeoutError):
                await link.disconnect(nowait=True)


_NOTHING = Batch(0, 0, b"")
_FORGOTTEN = b"FORGOTTEN"
# The stream refuses to grow where nobody reads: what comes then waits in the file. An origin that
# Redis does not know is new, or Redis was emptied.
_ADD = f"""
if redis.call('EXISTS', KEYS[2]) == 0 then return '{_FORGOTTEN.decode()}' end
if ARGV[3] == '' then return '' end
if redis.call('XLEN', KEYS[1]) >= {hits.LONGEST_STREAM} then
    return redis.error_reply('FULL nobody reads the stream')
end
return redis.call('XADD', KEYS[1], '*', 'o', ARGV[1], 'n', ARGV[2], 'h', ARGV[3])
"""


def _mark(origin: str) -> str:
    return f"tracking:origin:{origin}"


def _command(origin: str, batch: Batch) -> tuple[bytes | str | int, ...]:
    keys = (2, hits.STREAM, _mark(origin))
    return ("EVAL", _ADD, *keys, origin, batch.number, batch.lines)


async def _ask(link: Any, commands: "list[tuple[Any, ...]]") -> list[Any]:
    async with asyncio.timeout(hits.TIMEOUT):
        await link.send_packed_command(link.pack_commands(commands), check_health=False)
        return [await link.read_response() for _ in commands]
