"""The sandbox: a real SMTP server on loopback that keeps every mail for the sandbox inbox.

``python -m delivery.sandbox.server``; workspaces sign in with the name and password of their
sandbox account. A mail is acknowledged when it is committed: while one batch is being stored the
next one gathers, so many connections share a commit, and whenever this process ends, nothing that
it acknowledged is lost.
"""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import django

from delivery.sandbox.addresses import REFUSED, TREATED
from delivery.sandbox.smtp_behaviour import Behaviour
from delivery.sandbox.smtp_record import Received
from delivery.sandbox.smtp_server import SmtpServer

LARGEST: Final = 32 * 1024 * 1024  # bytes of one mail
CANNOT_STORE: Final = "451 4.3.0 the sandbox cannot store mail just now, try again"
CLOSING: Final = "421 4.3.2 the sandbox is closing"


class Store:
    """Gathers mails while the batch before them is being written, and answers after the commit."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Received, asyncio.Future[str]]] = []
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        # One thread: its database connection is used again and again.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    def keep(self, mail: Received) -> asyncio.Future[str]:
        """Return a future of the answer: "" when the mail is committed."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if self._is_closed:
            answer.set_result(CLOSING)
            return answer
        self._waiting.append((mail, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return answer

    async def close(self) -> None:
        """Take nothing more, and wait until all that was taken is answered."""
        self._is_closed = True
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _write(self) -> None:
        from delivery.sandbox import inbox

        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # what has come in at this moment belongs to the same batch
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                mails = [mail for mail, _answer in batch]
                refused = await loop.run_in_executor(self._thread, inbox.keep, mails)
            except inbox.StoreError:
                refused = dict.fromkeys(range(len(batch)), CANNOT_STORE)
            for number, (_mail, answer) in enumerate(batch):
                if not answer.done():
                    answer.set_result(refused.get(number, ""))


class SandboxServer(SmtpServer):
    """Knows the workspaces by their sandbox accounts' names."""

    @property
    def wants_users(self) -> bool:
        """Every client signs in: else nobody knew whose mail it is."""
        return True

    def password_of(self, user: str) -> str | None:
        """Return the password that a workspace's sandbox account has, or the installation's."""
        from delivery.sandbox import inbox
        from delivery.transports import choose

        if user == choose.INSTALLATION:
            return choose.sandbox_password(None)
        workspace = inbox.workspace_of(user)
        return choose.sandbox_password(workspace) if workspace is not None else None


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; whoever is being served gets an answer first.

    Raises:
        OSError: the port is taken.
    """
    store = Store()
    behaviour = Behaviour(size=LARGEST, refuse=REFUSED, treat=TREATED)
    server = SandboxServer(behaviour=behaviour, keeper=store, host=host, port=port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.up()
    await stopping.wait()
    server.stop_listening()
    await store.close()
    await asyncio.sleep(0)  # the last answers are written
    await server.down()


def main() -> int:
    """Run as a process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_PART", "sandbox")
    django.setup()
    from django.conf import settings

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(settings.SANDBOX_HOST, settings.SANDBOX_PORT))
    except OSError as error:
        sys.stderr.write(
            f"The sandbox cannot use port {settings.SANDBOX_PORT}: {error.strerror}. "
            "Choose another one with SANDBOX_PORT.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
