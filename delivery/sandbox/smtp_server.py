"""The test server: in this process (a thread), or as a process of its own.

In a process: ``python -m delivery.sandbox.smtp_server --port 0 --log FILE --behaviour '{…}'``. It
prints one JSON object with its port when it listens, and takes commands, one a line, on stdin:
``down`` (closes port and connections), ``up``, ``behave {…}`` (changes the behaviour), ``stop``.
"""

import argparse
import asyncio
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delivery.sandbox import certificates, smtp_behaviour
from delivery.sandbox.smtp_behaviour import Behaviour
from delivery.sandbox.smtp_record import Accepted, Keeper, Recorder
from delivery.sandbox.smtp_session import Session
from delivery.sandbox.smtp_state import ServerState

BACKLOG = 512


class SmtpServer(ServerState):
    """Listens. All of it runs in one event loop."""

    def __init__(
        self,
        *,
        behaviour: Behaviour | None = None,
        keeper: Keeper | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(behaviour=behaviour, keeper=keeper)
        self.host = host
        self.port = port
        self._listening: asyncio.Server | None = None

    async def up(self) -> None:
        """Listen; the second time on the same port as the first.

        Raises:
            OSError: the port is taken.
        """
        if self._listening is not None:
            return
        behaviour = self.behaviour
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: Session(self),
            self.host,
            self.port,
            backlog=BACKLOG,
            ssl=certificates.context(behaviour.certificate)
            if behaviour.tls == "implicit"
            else None,
        )
        self.port = int(self._listening.sockets[0].getsockname()[1])

    def stop_listening(self) -> None:
        """Take no new connections."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def down(self) -> None:
        """Stop listening and cut all connections."""
        self.stop_listening()
        for session in list(self.sessions):
            session.hang_up()


class RunningServer:
    """A server in a thread of this process, for tests; see `running`."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    @property
    def accepted(self) -> list[Accepted]:
        """The mails accepted so far, if they are kept in memory."""
        keeper = self.server.keeper
        return list(keeper.accepted) if isinstance(keeper, Recorder) else []

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._do(self.server.up())

    def stop(self) -> None:
        """Cut everything and end the thread."""
        self._do(self.server.down())
        self._do(_let_sessions_end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def go_down(self) -> None:
        """Stop listening and cut all connections."""
        self._do(self.server.down())

    def come_back(self) -> None:
        """Listen again on the same port."""
        self._do(self.server.up())

    def behave(self, **changes: Any) -> None:
        """Change the behaviour from now on."""

        async def change() -> None:
            self.server.behave(changes)

        self._do(change())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)


async def _let_sessions_end() -> None:
    me = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not me]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


@contextmanager
def running(*, keeper: Keeper | None = None, **behaviour: Any) -> Iterator[RunningServer]:
    """Run a server with this behaviour in a thread for the length of the block."""
    made = RunningServer(SmtpServer(behaviour=Behaviour().changed(behaviour), keeper=keeper))
    made.start()
    try:
        yield made
    finally:
        made.stop()


async def _serve(server: SmtpServer) -> None:
    await server.up()
    _tell(port=server.port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    lines = asyncio.StreamReader()
    kind = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or sys.stdin.isatty():  # else: no commands
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        server.remember(asyncio.ensure_future(_obey(server, lines, stopping)))
    await stopping.wait()
    await server.down()


async def _obey(server: SmtpServer, lines: asyncio.StreamReader, stopping: asyncio.Event) -> None:
    """Follow the commands on stdin; its end is no command: the server goes on."""
    while line := (await lines.readline()).decode("utf-8").strip():
        word, _, rest = line.partition(" ")
        if word == "down":
            await server.down()
        elif word == "up":
            await server.up()
        elif word == "behave":
            server.behave(json.loads(rest))
        elif word == "stop":
            stopping.set()
        _tell(done=word, accepted=server.count)


def _tell(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run as a process; 2: the arguments are wrong."""
    parser = argparse.ArgumentParser(description="An SMTP server that misbehaves on request.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="a file that gets one JSON line per mail")
    parser.add_argument("--behaviour", default="{}", help="a JSON object; see smtp_behaviour")
    given = parser.parse_args(arguments)
    try:
        behaviour = smtp_behaviour.from_json(given.behaviour)
    except smtp_behaviour.BehaviourError as error:
        parser.error(str(error))
    recorder = Recorder(path=given.log, with_body=behaviour.keep_body)
    server = SmtpServer(behaviour=behaviour, keeper=recorder, host=given.host, port=given.port)
    try:
        asyncio.run(_serve(server))
    except OSError as error:
        sys.stderr.write(f"Port {given.port} cannot be used: {error.strerror}.\n")
        return 1
    finally:
        recorder.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
