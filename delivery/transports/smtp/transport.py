"""The SMTP transport: many connections, one selector, no waiting while there is something to do.

While one server's answer is on its way the next mail is pulled (and so rendered); see `session`
for what shares a write. `reply` says what answers mean, `run` walks one `send`.
"""

from collections.abc import Callable, Iterator

from delivery.transports.protocol import HandOverJournal, Outcome, Outgoing, nothing
from delivery.transports.smtp.pool import Pool
from delivery.transports.smtp.run import Run
from delivery.transports.smtp.settings import SmtpSettings


class SmtpTransport:
    """A `Transport` to one server; connections are kept between calls of `send`. One thread."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings
        self._pool = Pool(settings)

    @property
    def opened(self) -> int:
        """How many connections are open, or being opened or closed."""
        return len(self._pool.sessions)

    def limit(self, connections: int) -> None:
        """Use so many connections at most from now on."""
        self._pool.limit = connections

    def send(
        self,
        mails: Iterator[Outgoing],
        *,
        journal: HandOverJournal,
        record: Callable[[Outcome], None],
        should_stop: Callable[[], bool],
        keep_alive: Callable[[], object] = nothing,
    ) -> None:
        """Send mails as they are pulled; see `Transport.send`.

        Raises:
            ServerTroubleError: the server is in trouble; every pulled mail got its outcome.
        """
        run = Run(
            self._pool,
            mails,
            journal=journal,
            record=record,
            should_stop=should_stop,
            keep_alive=keep_alive,
        )
        run.go()

    def close(self) -> None:
        """Say QUIT on idle connections, wait a moment for the answers, and hang up."""
        self._pool.close()
