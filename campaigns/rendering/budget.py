"""How much work one rendering may do: items looped over, characters made, and time.

Counted where work happens (loops, outputs, filters, operators) instead of by a signal, because
mails are rendered in threads too and a signal reaches only the main one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from django.utils.translation import gettext as _

from campaigns.rendering.errors import ContentError

MAX_WORK = 4_000_000  # characters written and items looped over
MAX_SECONDS = 1.0  # of this thread's processor time: waiting for a turn is not the author's fault
_LARGE = 1_000
_OFTEN = 64
MAX_STRING = 200_000  # characters of any one value
MAX_OUTPUT = 1_000_000  # characters of one rendered part


class Budget:
    """What is left for one rendering."""

    __slots__ = ("charges", "deadline", "left")

    def __init__(self, work: int = MAX_WORK, seconds: float = MAX_SECONDS) -> None:
        self.left = work
        self.charges = 0
        self.deadline = thread_time() + seconds

    def charge(self, work: int) -> None:
        """Use up some work.

        Raises:
            ContentError: when nothing is left or time is up.
        """
        self.left -= work
        self.charges += 1
        look = work > _LARGE or self.charges % _OFTEN == 0  # the clock costs more than the sum
        if self.left < 0 or (look and thread_time() > self.deadline):
            raise ContentError(
                _(
                    "This takes too long or grows too large to fill in for each person. "
                    "Look for a loop inside a loop and make it shorter."
                )
            )


_current: ContextVar[Budget | None] = ContextVar("rendering_budget", default=None)


@contextmanager
def spending() -> Iterator[Budget]:
    """Give everything rendered inside one budget; inside another one, that one goes on."""
    running = _current.get()
    if running is not None:
        yield running
        return
    budget = Budget()
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


def charge(work: int) -> None:
    """Charge the rendering that is going on (nothing when none is)."""
    budget = _current.get()
    if budget is not None:
        budget.charge(work + 1)


def bounded(size: int) -> None:
    """Refuse to make a value of more than `MAX_STRING` characters, before it is made."""
    if size > MAX_STRING:
        raise ContentError(
            _("A value grows beyond %(limit)d characters here.") % {"limit": MAX_STRING}
        )
    charge(size)
