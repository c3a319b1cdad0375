"""HeldDots: towards a server that hangs up in the middle of mails, final dots go out on their own.

Usually body, final dot and the next envelope are one write. When the server hangs up then, nobody
knows whether it had read the dot, and the mail is in doubt. So once that has happened, a body goes
out without its dot for a while, and the dot follows when the server could have hung up and did not:
whoever loses a connection under a body without a dot simply gets the mail again.
"""

import time
from typing import Final

from delivery.transports.smtp.session import Session

SECONDS: Final = 60.0  # for how long a server that hung up is treated like that
QUICKEST: Final = 0.01  # seconds a server may take to hang up, besides two ways over the network
SLOWEST: Final = 0.25
LOOK: Final = 0.005  # seconds; how often to look whether a dot may follow


class HeldDots:
    """One server's: whether dots are held back, and on which sessions one is."""

    def __init__(self) -> None:
        self._until = 0.0
        self._reaction = QUICKEST
        self._holding: list[Session] = []

    def begin(self, *, dot_was_out: bool = True) -> None:
        """It hung up in the middle of a mail: hold dots back from now on.

        ``dot_was_out`` although they were held back: the server needs more time to hang up.
        """
        if not self.is_on:
            self._reaction = QUICKEST
        elif dot_was_out:
            self._reaction = min(2 * self._reaction, SLOWEST)
        self._until = time.monotonic() + SECONDS

    @property
    def is_on(self) -> bool:
        """Whether to hold dots back now."""
        return self._until > 0.0 and time.monotonic() < self._until

    @property
    def is_holding(self) -> bool:
        """Whether a dot is held back now."""
        return bool(self._holding)

    def hold(self, session: Session) -> None:
        """Write a session's body without its dot.

        Raises:
            WireError: the connection is gone.
        """
        session.hold()
        self._holding.append(session)

    def let_go(self) -> list[Session]:
        """Return the sessions whose dot may follow now; they may hand over."""
        now = time.monotonic()
        free = [
            session for session in self._holding if session.has_stayed(now, reaction=self._reaction)
        ]
        self._holding = [
            session for session in self._holding if session.is_held and session not in free
        ]
        for session in free:
            session.may_hand_over = True
        return free
