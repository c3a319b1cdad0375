"""Connections of an account: a number that all workers share, held by leases in Redis."""

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import redis

from delivery import coordination

LEASE_SECONDS: Final = 30
AGAIN_SECONDS: Final = 1.0  # when all connections towards a mailbox provider are in use


_LEASE_CONNECTIONS: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local free = tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
local count = math.max(0, math.min(free, tonumber(ARGV[3])))
for i = 1, count do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[1] .. ':' .. i)
end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]) * 2)
return count
"""


@dataclass(slots=True)
class Connections:
    """A process's share of an account's connections, leased from all workers' common number.

    ``group``: of those towards one mailbox provider only.
    """

    account: int
    group: int | None = None
    count: int = 0
    _name: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def _key(self) -> str:
        lane = "" if self.group is None else f":{self.group}"
        return f"warta:connections:{{{self.account}}}{lane}"

    def lease(self, *, most: int, wanted: int) -> int:
        """Hold up to ``wanted`` connections of ``most`` in all; returns how many are held."""
        if self.count:
            self.renew()
            return self.count
        with suppress(redis.RedisError):
            self.count = int(
                coordination.script(_LEASE_CONNECTIONS)(
                    keys=[self._key], args=[self._name, most, wanted, LEASE_SECONDS]
                )
            )
        return self.count

    def renew(self) -> None:
        """Keep the leased connections for another `LEASE_SECONDS`."""
        with suppress(redis.RedisError):
            seconds = int(coordination.client().time()[0]) + LEASE_SECONDS
            members = {f"{self._name}:{number}": seconds for number in range(1, self.count + 1)}
            coordination.client().zadd(self._key, members)

    def free(self) -> None:
        """Give the connections back."""
        if self.count:
            members = [f"{self._name}:{number}" for number in range(1, self.count + 1)]
            self.count = 0
            with suppress(redis.RedisError):
                coordination.client().zrem(self._key, *members)


@dataclass(slots=True)
class GroupLanes:
    """How many mails towards single mailbox providers may be on the wire at once.

    ``most`` holds the limits by domain group. A process leases its share when it first meets the
    group in a claim; as many mails are under way at once, so no more connections carry them.
    """

    account: int
    most: dict[int, int]
    senders: int = 1
    _held: dict[int, Connections] = field(default_factory=dict)
    _open: Counter[int] = field(default_factory=Counter)

    def share(self, group: int) -> int:
        """Return how many mails to this group may be under way from here; 0: others use all."""
        if group not in self._held:
            lane = Connections(account=self.account, group=group)
            most = self.most[group]
            lane.lease(most=most, wanted=max(1, -(-most // self.senders)))
            self._held[group] = lane
        return self._held[group].count

    def has_room(self, group: int) -> bool:
        """Say whether one more mail to this group may go out now."""
        return group not in self.most or self._open[group] < self.share(group)

    def is_open(self, group: int) -> bool:
        """Say whether a mail to this group is under way."""
        return self._open[group] > 0

    def begin(self, group: int) -> None:
        """Note that a mail is under way."""
        self._open[group] += 1

    def end(self, group: int) -> None:
        """Note that a mail has its outcome."""
        self._open[group] -= 1

    def renew(self) -> None:
        """Keep what is leased."""
        for lane in self._held.values():
            if lane.count:
                lane.renew()

    def free(self) -> None:
        """Give everything back."""
        for lane in self._held.values():
            lane.free()
        self._held.clear()
