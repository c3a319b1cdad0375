"""What a test server's sessions have in common: its behaviour, what it kept, whom it saw."""

import random
from typing import TYPE_CHECKING, Any, Protocol

from delivery.sandbox.smtp_behaviour import Behaviour
from delivery.sandbox.smtp_record import Keeper, Received, Recorder

if TYPE_CHECKING:
    import asyncio


class Client(Protocol):
    """A connection that can be cut."""

    def hang_up(self) -> None:
        """Close it at once."""


class ServerState:
    """Asked and changed by the sessions of a server, all in one event loop."""

    def __init__(self, *, behaviour: Behaviour | None = None, keeper: Keeper | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.keeper: Keeper = keeper or Recorder(with_body=self.behaviour.keep_body)
        self.count = 0  # mails accepted
        self.session_count = 0
        self.sessions: set[Client] = set()
        self._cuts = 0
        self._seen: dict[str, float] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._random = random.Random(self.behaviour.drop_seed)  # noqa: S311 - repeatable on purpose

    @property
    def wants_users(self) -> bool:
        """Whether clients must sign in."""
        return bool(self.behaviour.users)

    def password_of(self, user: str) -> str | None:
        """Return a user's password; None: there is no such user."""
        return self.behaviour.users.get(user)

    def next_session(self) -> int:
        """Return the number of a new client, from 1."""
        self.session_count += 1
        return self.session_count

    def keep(self, mail: Received) -> "str | asyncio.Future[str]":
        """Keep a mail; see `Keeper.keep`."""
        return self.keeper.keep(mail)

    def is_grey(self, person: str, now: float) -> bool:
        """Say whether this recipient must come back later (first try, or too soon after it)."""
        first = self._seen.setdefault(person, now)
        return first == now or now - first < self.behaviour.greylist

    def cuts_now(self) -> bool:
        """Say whether to cut this connection, and count it."""
        behaviour = self.behaviour
        if self.count < behaviour.drop_from or 0 <= behaviour.drop_most <= self._cuts:
            return False
        if self._random.random() >= behaviour.drop_probability:
            return False
        self._cuts += 1
        return True

    def remember(self, task: "asyncio.Future[Any]") -> None:
        """Hold a task until it is done: the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def behave(self, changes: dict[str, Any]) -> None:
        """Change the behaviour from now on.

        Raises:
            BehaviourError: there is no such behaviour.
        """
        self.behaviour = self.behaviour.changed(changes)
        self._random = random.Random(self.behaviour.drop_seed)  # noqa: S311 - see above
