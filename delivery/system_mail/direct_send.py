"""A few mails handed over at once while somebody, or a task, waits for the answers.

Campaigns have the pipeline. This is for tests, resets and confirmations: it keeps no journal of its
own, and it must end, whatever the server does.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import redis
from django.utils.translation import gettext as _

from delivery.accounts import dkim_keys
from delivery.limits.connection_pool import Connections
from delivery.mime.dkim import sign_message
from delivery.models import SendingAccount
from delivery.processes import coordination
from delivery.transports import choose
from delivery.transports.protocol import (
    JournalClosedError,
    Outcome,
    Outgoing,
    ServerTroubleError,
)

TRIAL_SECONDS = 15.0  # somebody looks at a page, and a thread of the web server waits
TASK_SECONDS = 60.0
GIVE_WAY_SECONDS: Final = 2.0
TRIALS_AT_ONCE: Final = 2  # in the whole installation: the web server has a few threads only
_FORGOTTEN_AFTER: Final = 30.0  # seconds: a process that died in its trial frees the place


class TooManyTrialsError(Exception):
    """No trial may begin now; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver:
    """What became of each mail, by its id; ``trouble``: why the server took no more."""

    outcomes: dict[int, Outcome]
    trouble: ServerTroubleError | None = None


class _AsksFirst:
    """Keeps no journal; whoever does is asked before the last byte of a mail leaves."""

    def __init__(self, may_leave: Callable[[], bool]) -> None:
        self._may_leave = may_leave

    def announce(self, message_id: int, *, after: int = 0) -> None:
        """Note nothing."""

    def confirm(self, message_id: int) -> None:  # noqa: ARG002 - the protocol's
        """Ask. Raises `JournalClosedError` where it must stay here."""
        if not self._may_leave():
            raise JournalClosedError

    def settle(self, outcome: Outcome) -> None:
        """Note nothing."""


def hand_over(
    account: SendingAccount,
    mails: Sequence[Outgoing],
    *,
    seconds: float = TASK_SECONDS,
    may_leave: Callable[[], bool] = lambda: True,
) -> HandedOver:
    """Send mails over one connection and wait for the answers, ``seconds`` for all of it.

    Whoever calls signs them; see `signed`. ``may_leave`` is asked before the last byte of each
    leaves; with False it stays here, and nobody has it.
    """
    outcomes: dict[int, Outcome] = {}
    try:
        with (
            _connection(account),
            closing(choose.transport_for(account, connections=1, seconds=seconds)) as transport,
        ):
            transport.send(
                iter(mails),
                journal=_AsksFirst(may_leave),
                record=lambda outcome: outcomes.update({outcome.message_id: outcome}),
                should_stop=lambda: False,
            )
    except ServerTroubleError as trouble:
        return HandedOver(outcomes=outcomes, trouble=trouble)
    except JournalClosedError:
        pass  # its outcome says that it was not sent
    return HandedOver(outcomes=outcomes)


@contextmanager
def _connection(account: SendingAccount) -> Iterator[None]:
    """Hold one of the account's connections: those of campaigns give way within a second.

    If none does, the mail goes all the same: somebody waits for it.
    """
    if account.pk is None:  # the installation's own
        yield
        return
    place = Connections(account=account.pk, is_urgent=True)
    until = time.monotonic() + GIVE_WAY_SECONDS
    try:
        while not place.ask(most=account.max_connections, wanted=1):
            if place.is_away or time.monotonic() > until:
                break
            time.sleep(0.05)
        yield
    finally:
        place.free()


def signed(account: SendingAccount, data: bytes, *, sender: str) -> bytes:
    """Return a whole message with the signatures of its sender's domain, if it has keys."""
    signer = dkim_keys.signer_for(account, sender.rpartition("@")[2].strip("> "))
    return data if signer is None else sign_message(data, signer, timestamp=int(time.time()))


@contextmanager
def trial_place() -> Iterator[None]:
    """Hold one of the few places for tests that a web request waits for.

    Raises:
        BusyError: all are taken, or Valkey, which counts them, does not answer.
    """
    try:
        place = next(filter(_take, map("trial:{}".format, range(TRIALS_AT_ONCE))), None)
    except redis.RedisError as error:
        raise TooManyTrialsError(
            _("Valkey does not answer, so no test email can be sent now. Try again in a moment.")
        ) from error
    if place is None:
        raise TooManyTrialsError(
            _("Other test emails are on their way just now. Try again in a few seconds.")
        )
    try:
        yield
    finally:
        with suppress(redis.RedisError):  # else it is forgotten soon
            coordination.release(place)


def _take(place: str) -> bool:
    return coordination.reserve(place, seconds=_FORGOTTEN_AFTER)
