"""Takes the web process's hits to Redis, many in one write, before their answers go out.

Runs on the event loop. While one write is under way, hits gather for the next. When Redis does not
answer, they go to a file (`spool`) and from there, in their order, to Redis when it is back; until
then later ones queue up behind them, so an origin's entries never overtake each other and
`ingest` needs one number to know what it has.

What is answered stands in Redis or in the file. A killed process loses nothing that it answered.
"""

import asyncio
import logging
import os
import secrets
import time
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
        self._is_ending = False

    def start(self) -> None:
        """Begin to write."""
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._look())]

    async def stop(self) -> None:
        """Write what waits, and end."""
        self._is_ending = True
        self._wake.set()
        with suppress(asyncio.TimeoutError):
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
                self._wake.clear()
                timeout = AWAY_SECONDS if self._spool else None
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), timeout)
            if self._spool and time.monotonic() >= self._retry_at:
                await self._send_on()
            taken, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if taken:
                await self._take(taken)

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
        """Bring what stands in the file to Redis, in its order."""
        try:
            while self._sent_through < self._spool.size:
                self._sent_through = await self._send_some(self._sent_through)
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
            for _end, batch in spool.read(left.path):
                await _ask(link, [_command(left.origin, batch)])
            is_sent = True
        except (redis.RedisError, OSError, TimeoutError):
            log.warning("a file of hits could not be sent on yet")
        finally:
            left.release(is_sent=is_sent)
            if link is not None:
                await link.disconnect(nowait=True)

    async def _send(self, batches: list[Batch]) -> None:
        """Add entries to the stream, in one write.

        Raises:
            redis.RedisError, OSError, TimeoutError: perhaps they were added, perhaps not.
        """
        if self._link is None:
            self._link = await self._connect()
        try:
            await _ask(self._link, [_command(self.origin, batch) for batch in batches])
        except BaseException:
            await self._hang_up()
            raise

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


# The stream refuses to grow where nobody reads: what comes then waits in the file.
_ADD = f"""
if redis.call('XLEN', KEYS[1]) >= {hits.LONGEST_STREAM} then
    return redis.error_reply('FULL nobody reads the stream')
end
return redis.call('XADD', KEYS[1], '*', 'o', ARGV[1], 'n', ARGV[2], 'h', ARGV[3])
"""


def _command(origin: str, batch: Batch) -> tuple[bytes | str | int, ...]:
    return ("EVAL", _ADD, 1, hits.STREAM, origin, batch.number, batch.lines)


async def _ask(link: Any, commands: "list[tuple[Any, ...]]") -> None:
    async with asyncio.timeout(hits.TIMEOUT):
        await link.send_packed_command(link.pack_commands(commands), check_health=False)
        for _ in commands:
            await link.read_response()
