"""Gate: one claim's way through its account's limits.

Permits are asked for before anybody's row is read, and only as many people are read as there are
permits. Each says from when on its mail may leave; the transport keeps the mail's last byte back
until then. It counts from its answer on: wherever between leaving and answer the server took it,
no second, minute, hour or day there holds more than the limit says.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import redis

from delivery.limits import throttle
from delivery.limits.connection_pool import ProviderSlots
from delivery.limits.throttle import Grant, Limit

AHEAD_SECONDS: Final = 0.9  # from a permit until its mail may leave, at most
MINUTE_MS: Final = 60_000
FAR_AHEAD_SECONDS: Final = 2.0  # where nothing is counted by the second
BATCH: Final = 0.45  # of that: how much of a rate is asked for at once; people are read in the rest
TURNS: Final = 2  # of campaigns that share an account, in the time that one alone would have
LARGEST_PART: Final = 50  # of a window's permits that go at once, so that campaigns take turns
SMALLEST_TURN: Final = 10
LARGEST_BATCH: Final = 1_000


@dataclass(slots=True)
class _Permits:
    """Permits under some limits: the moments of those in hand; what is under way with others."""

    account: int
    limits: Sequence[Limit]
    group: int | None = None
    refused: Grant | None = None
    _name: str = field(default_factory=throttle.new_hand)
    _moments: deque[float] = field(default_factory=deque)
    _held: int = 0  # permits that are not settled
    _answers: list[float] = field(default_factory=list)

    @property
    def in_hand(self) -> int:
        """How many mails may go."""
        return len(self._moments)

    @property
    def ahead(self) -> float:
        """How far ahead permits are asked for."""
        by_second = any(limit.period_ms < MINUTE_MS for limit in self.limits)
        return AHEAD_SECONDS if by_second or self.group is not None else FAR_AHEAD_SECONDS

    def fetch(self, most: int, *, is_shared: bool = False) -> int:
        """Ask for some, at most ``most``; returns how many are in hand."""
        worth = [self._worth(one, is_shared=is_shared) for one in self.limits]
        wanted = min([most, LARGEST_BATCH, *worth])
        rates = any(limit.kind == "rate" for limit in self.limits)
        grant = throttle.permits(
            self.account,
            self.limits,
            wanted,
            group=self.group,
            ahead=self.ahead,
            some=wanted if rates else 1,
            hand=self._name,
        )
        self._held += grant.permits
        self._moments.extend(grant.moments or [0.0] * grant.permits)
        self.refused = None if grant.permits else grant
        return self.in_hand

    def _worth(self, limit: Limit, *, is_shared: bool) -> int:
        """Return how many permits of a limit are asked for at once."""
        if limit.kind != "rate":
            return max(SMALLEST_TURN, limit.permits // LARGEST_PART)
        worth = limit.permits * self.ahead * BATCH * 1000 / limit.period_ms
        return max(1, math.ceil(worth / TURNS if is_shared else worth))

    def use(self) -> float:
        """Take one out of the hand; returns from when on its mail may leave."""
        return self._moments.popleft()

    def answered(self, at: float) -> None:
        """Note when a mail counts from."""
        self._answers.append(at)

    def settle(self, *, is_over: bool = True) -> None:
        """Report the answers; ``is_over``: what has none was not sent."""
        if not self._held:
            return
        answers, self._answers = self._answers, []
        self._held = 0 if is_over else max(0, self._held - len(answers))
        with suppress(redis.RedisError):  # then all of them count from when we are believed no more
            throttle.settle(
                self.account,
                self.limits,
                self._name,
                answers,
                group=self.group,
                still=self._held,
            )


@dataclass(slots=True)
class Gate:
    """What one claim may send now.

    Permits towards single mailbox providers follow as their people come: ``waits`` says how long
    there will be none, by domain group.
    """

    account: int
    limits: list[Limit]
    groups: dict[int, Limit]
    provider_slots: ProviderSlots = field(default_factory=lambda: ProviderSlots(account=0, most={}))
    waits: dict[int, Grant] = field(default_factory=dict)
    refused: Grant | None = None  # how long the account as a whole has no permits
    _account: _Permits | None = None
    _of_group: dict[int, _Permits] = field(default_factory=dict)

    @property
    def is_limited(self) -> bool:
        """Whether there are permits at all."""
        return bool(self.limits or self.groups)

    def is_open(self, domain_groups: Iterable[int]) -> bool:
        """Say whether nothing has to be asked for each mail to people in these groups."""
        if self.limits:
            return False
        return not any(
            group in self.groups or group in self.waits or group in self.provider_slots.most
            for group in set(domain_groups)
        )

    def reserve(self, most: int, *, is_shared: bool = False) -> int:
        """Ask how many mails may go now, at most ``most``; see `refused` for none.

        ``is_shared``: other campaigns have mail for this account too.
        """
        if not self.limits:
            return most
        if self._account is None:
            self._account = _Permits(account=self.account, limits=self.limits)
        found = self._account.fetch(most, is_shared=is_shared)
        self.refused = self._account.refused
        return found

    def reserve_for(self, group: int, most: int) -> int:
        """Ask how many of these mails may go to one mailbox provider now."""
        if group in self.waits:
            return 0
        if group not in self.groups or not most:
            return most
        return min(most, self._permits_of(group, most))

    def admit(self, domain_group: int) -> float | None:
        """Use up one permit for a mail to this group; None: there is none now.

        Returns from when on the mail may leave (time.monotonic(); 0: at once).
        """
        if domain_group in self.groups and not self._permits_of(domain_group, LARGEST_BATCH):
            return None
        if domain_group in self.waits and domain_group not in self.groups:
            return None
        moment = 0.0
        if domain_group in self._of_group:
            moment = self._of_group[domain_group].use()
        if self._account is not None:
            moment = max(moment, self._account.use())
        return moment

    def answered(self, domain_group: int) -> None:
        """Note a mail's end, whatever the server said: it counts from now on."""
        now = time.monotonic()
        for permits in (self._account, self._of_group.get(domain_group)):
            if permits is not None:
                permits.answered(now)

    def renew(self) -> None:
        """Report the answers so far, and that the other mails are under way still."""
        for permits in self._all:
            permits.settle(is_over=False)

    def give_back(self) -> None:
        """Report the answers, and return the permits that were not used."""
        for permits in self._all:
            permits.settle()
        self._account = None
        self._of_group.clear()

    @property
    def _all(self) -> list[_Permits]:
        own = [] if self._account is None else [self._account]
        return [*own, *self._of_group.values()]

    def _permits_of(self, group: int, most: int) -> int:
        """Return the permits towards one mailbox provider that are in hand, fetched if need be."""
        held = self._of_group.get(group)
        if held is None:
            held = self._of_group[group] = _Permits(
                account=self.account, limits=[self.groups[group]], group=group
            )
        if not held.in_hand and group not in self.waits and not held.fetch(most):
            self.waits[group] = held.refused or Grant(permits=0, wait=1.0)
        return held.in_hand
