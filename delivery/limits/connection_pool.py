"""Connections of an account: a number that all workers share, divided by leases in Redis.

Whoever sends asks again at least every second; so a newcomer's share is given up by the others
within a second or two, as their connections close. A lease ends when it is given back, when its
process has ended, or when nothing has been heard of it for long; a frozen process keeps its lease
as long as it keeps its connections open.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import count
from typing import Any, Final

import redis

from delivery.processes import coordination

SILENT_SECONDS: Final = 3  # whoever has said nothing for so long may be gone
LOST_SECONDS: Final = 600  # servers hang up on silent clients by then (RFC 5321 §4.5.3.2.7: 5 min)
NAMELESS_SECONDS: Final = 30  # where nobody can tell who has ended
NEW_SECONDS: Final = 2.0  # until others have given a newcomer's share up
_numbers: Final = count(1)


@cache
def _script() -> str:
    return (
        resources.files("delivery.limits")
        .joinpath("connection_pool.lua")
        .read_text(encoding="utf-8")
    )


def _process_of(holder: str) -> str:
    return holder.lstrip("!").partition(":")[0]


@dataclass(slots=True)
class Connections:
    """One holder's share of an account's connections.

    ``group``: of those towards one mailbox provider only. ``is_urgent``: somebody waits for the
    mail, others give way. ``count``: how many may be open, by the last answer.
    """

    account: int
    group: int | None = None
    is_urgent: bool = False
    count: int = 0
    is_away: bool = False  # Redis did not answer
    _name: str = ""

    def __post_init__(self) -> None:
        mark = "!" if self.is_urgent else ""
        self._name = f"{mark}{coordination.process_name()}:{next(_numbers)}"

    @property
    def _key(self) -> str:
        lane = "" if self.group is None else f":{self.group}"
        return f"warta:connections:{{{self.account}}}{lane}"

    def ask(self, *, most: int, wanted: int | None = None, opened: int = 0) -> int:
        """Renew the share; returns how many may be open from now on, of ``most`` in all.

        ``opened``: how many are open at this moment. Without Redis the last answer holds.
        """
        lost = LOST_SECONDS if coordination.has_name() else NAMELESS_SECONDS
        arguments = [self._name, most, wanted or most, opened, SILENT_SECONDS, lost]
        try:
            answer = self._run(arguments)
            if self._is_short(answer, most=wanted or most):
                ended = coordination.gone({_process_of(name) for name in answer[1:]})
                holders = [name for name in answer[1:] if _process_of(name) in ended]
                if holders:
                    answer = self._run([*arguments, *holders])
        except redis.RedisError:
            self.is_away = True
            return self.count
        self.is_away = False
        self.count = answer[0]
        return self.count

    def _run(self, arguments: list[Any]) -> Any:
        may, *silent = coordination.script(_script())(keys=[self._key], args=arguments)
        return [int(may), *(name.decode() for name in silent)]

    @staticmethod
    def _is_short(answer: list[Any], *, most: int) -> bool:
        return answer[0] < most and len(answer) > 1

    def free(self) -> None:
        """Give the share back; all its connections are closed."""
        self.count = 0
        with suppress(redis.RedisError):
            coordination.client().hdel(self._key, self._name)


@dataclass(slots=True)
class ProviderSlots:
    """How many mails towards single mailbox providers may be on the wire at once.

    ``most`` holds the limits by domain group. A process asks for its share when it first meets the
    group, and keeps it as long as it sends; as many mails are under way at once, so no more
    connections carry them.
    """

    account: int
    most: dict[int, int]
    _held: dict[int, Connections] = field(default_factory=dict)
    _open: Counter[int] = field(default_factory=Counter)
    _new_until: float = 0.0  # time.monotonic()

    @property
    def is_new(self) -> bool:
        """Whether others may be about to give up our share."""
        return time.monotonic() < self._new_until

    def share(self, group: int) -> int:
        """Return how many mails to this group may be under way from here; 0: others use all."""
        held = self._held.get(group)
        if held is None:
            self._new_until = self._new_until or time.monotonic() + NEW_SECONDS
            held = self._held[group] = Connections(account=self.account, group=group)
            held.ask(most=self.most[group])
        return held.count

    def has_room(self, group: int) -> bool:
        """Say whether one more mail to this group may go out now."""
        return group not in self.most or self._open[group] < self.share(group)

    def begin(self, group: int) -> None:
        """Note that a mail is under way."""
        self._open[group] += 1

    def end(self, group: int) -> None:
        """Note that a mail has its outcome."""
        self._open[group] -= 1

    def renew(self, most: dict[int, int] | None = None) -> None:
        """Keep what is leased, or give up what others need; ``most``: the limits have changed."""
        if most is not None:
            self.most = most
        for group, held in list(self._held.items()):
            if group in self.most:
                held.ask(most=self.most[group], opened=self._open[group])
            else:
                self._held.pop(group).free()

    def free(self) -> None:
        """Give everything back."""
        for held in self._held.values():
            held.free()
        self._held.clear()
        self._open.clear()
        self._new_until = 0.0
