"""The transport of providers' APIs: so many requests at once, each by a thread that waits for it.

Rendering, journal and ledger stay in the caller's thread. A mail is given to a thread only when one
is free, so that no more mails can be in doubt than requests are open.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from delivery.transports.protocol import (
    HandOverJournal,
    JournalClosedError,
    Outcome,
    Outgoing,
    ServerTroubleError,
    Verdict,
    nothing,
)
from delivery.transports.providers.catalogue import name_of
from delivery.transports.providers.errors import Blame
from delivery.transports.providers.request import ProviderClient, ProviderSettings
from delivery.transports.providers.session import mark
from delivery.transports.providers.verdicts import Answer

LOOK_SECONDS: Final = 0.25
CLOSE_SECONDS: Final = 2.0
MOST_IN_A_ROW: Final = 3  # broken connections, 5xx answers, refusals that name nobody
PATIENCE_SECONDS: Final = 2.0  # where the provider does not say how long


@dataclass(slots=True)
class _Course:
    """How the provider has behaved lately, over all sends."""

    accepted_last: bool = False
    refusals: int = 0
    failures: int = 0


class AnymailTransport:
    """A `Transport` to one provider account; connections are kept between calls of `send`."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self.course = _Course()
        self.most = settings.max_connections
        self.opened = 0  # requests that wait for their answer
        self._jobs: queue.SimpleQueue[Outgoing | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Outgoing, Answer]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._shared = ProviderClient(settings) if settings.spec.is_shared else None

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
            ServerTroubleError: the provider is in trouble; every pulled mail got its outcome.
            JournalClosedError: likewise.
        """
        _Run(self, journal, record, keep_alive).go(mails, should_stop)

    def limit(self, connections: int) -> None:
        """Have so many requests open at most from now on."""
        self.most = connections

    def give(self, mail: Outgoing, *, open_requests: int) -> None:
        """Let a thread send a mail; another thread begins when all of them are busy."""
        if len(self._threads) <= open_requests:
            thread = threading.Thread(target=self._work, daemon=True, name="provider")
            self._threads.append(thread)
            thread.start()
        self._jobs.put(mail)

    def next_answer(self, seconds: float = LOOK_SECONDS) -> tuple[Outgoing, Answer] | None:
        """Return an answer that came, or None after a moment."""
        with suppress(queue.Empty):
            return self._answers.get(timeout=min(seconds, LOOK_SECONDS))
        return None

    def close(self) -> None:
        """Let every thread hang up."""
        for _thread in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)
        self._threads.clear()
        self._jobs = queue.SimpleQueue()
        if self._shared is not None:
            self._shared.close()

    def _work(self) -> None:
        jobs, answers = self._jobs, self._answers
        client = self._shared or ProviderClient(self.settings)
        while True:
            try:
                mail = jobs.get(timeout=self.settings.idle_seconds)
            except queue.Empty:
                with suppress(Exception):
                    client.close()  # idle for so long: the provider would hang up soon
                mail = jobs.get()
            if mail is None:
                break
            answers.put((mail, _answer(client, mail)))
        if client is not self._shared:
            client.close()


def _answer(client: ProviderClient, mail: Outgoing) -> Answer:
    """Ask, and have an answer whatever happens: without one, the run would wait for ever."""
    try:
        return client.ask(mail)
    except BaseException as error:  # a thread has nobody else to tell
        logging.getLogger(__name__).exception("provider_thread_failed")
        words = type(error).__name__
        if mark.is_written:
            return Answer(verdict=Verdict.UNKNOWN, blame=Blame.SERVER, words=words)
        return Answer(verdict=Verdict.NOT_SENT, blame=Blame.ACCOUNT, words=words)


class _Run:
    """One `send`: every pulled mail ends here, once."""

    def __init__(
        self,
        transport: AnymailTransport,
        journal: HandOverJournal,
        record: Callable[[Outcome], None],
        keep_alive: Callable[[], object],
    ) -> None:
        self._transport = transport
        self._name = name_of(transport.settings.provider)
        self._journal = journal
        self._record = record
        self._keep_alive = keep_alive
        self._trouble: ServerTroubleError | None = None
        self._error: BaseException | None = None

    def go(self, mails: Iterator[Outgoing], should_stop: Callable[[], bool]) -> None:
        """Keep as many requests open as there may be, until nothing is left."""
        transport = self._transport
        is_over = False
        try:
            while True:
                while not is_over and transport.opened < transport.most:
                    is_over = self._is_lost or should_stop() or not self._begin(mails)
                is_over = is_over or self._is_lost or should_stop()
                if is_over and not transport.opened:
                    break
                self._take_answer()
        finally:
            while transport.opened:  # something from outside: what is out gets its answer
                self._take_answer()
        if self._error is not None:
            raise self._error
        if self._trouble is not None:
            raise self._trouble

    @property
    def _is_lost(self) -> bool:
        return self._trouble is not None or self._error is not None

    def _begin(self, mails: Iterator[Outgoing]) -> bool:
        """Pull one mail and let a thread send it; False: there is none."""
        mail = next(mails, None)
        if mail is None:
            return False
        while (early := mail.not_before - time.monotonic()) > 0.0:
            self._take_answer(early)
            if self._is_lost:
                self._end(Outcome(message_id=mail.message_id, verdict=Verdict.NOT_SENT))
                return False
        self._journal.announce(mail.message_id)
        try:
            self._journal.confirm(mail.message_id)
        except JournalClosedError as error:
            self._error = error
            self._end(Outcome(message_id=mail.message_id, verdict=Verdict.NOT_SENT))
            return False
        self._transport.give(mail, open_requests=self._transport.opened)
        self._transport.opened += 1
        return True

    def _take_answer(self, seconds: float = LOOK_SECONDS) -> None:
        try:
            self._keep_alive()
        except Exception as error:  # noqa: BLE001 - raised at the end; the others get their answer
            self._error = self._error or error
        found = self._transport.next_answer(seconds)
        if found is None:
            return
        self._transport.opened -= 1
        mail, answer = found
        verdict = self._judge(answer)
        words = answer.words if verdict is not Verdict.SENT else ""
        self._end(
            Outcome(
                message_id=mail.message_id,
                verdict=verdict,
                code=answer.code if verdict is not Verdict.UNKNOWN else 0,
                enhanced=answer.enhanced,
                text=words,
                provider_id=answer.provider_id,
            )
        )

    def _judge(self, answer: Answer) -> Verdict:
        """Say what becomes of the mail, and whether the account must stop."""
        course = self._transport.course
        if answer.blame is Blame.SERVER:
            course.failures += 1
            if answer.verdict is Verdict.NOT_SENT or course.failures >= MOST_IN_A_ROW:
                self._stop(self._server_trouble(answer))
            return answer.verdict
        course.failures = 0
        if answer.blame is Blame.PATIENCE:
            seconds = answer.retry_after if answer.retry_after is not None else PATIENCE_SECONDS
            sentence = _("%(provider)s asks us to send more slowly") % {"provider": self._name}
            self._stop(ServerTroubleError(sentence, retry_after=seconds, is_patience=True))
        elif answer.blame is Blame.ACCOUNT:
            self._stop(ServerTroubleError(self._account_trouble(answer), permanent=True))
        elif answer.blame is Blame.MAIL:
            return self._refusal(answer)
        else:
            course.accepted_last = answer.verdict is Verdict.SENT or course.accepted_last
            course.refusals = 0
        return answer.verdict

    def _refusal(self, answer: Answer) -> Verdict:
        course = self._transport.course
        if course.accepted_last:
            course.accepted_last = False
            return answer.verdict
        course.refusals += 1
        if course.refusals >= MOST_IN_A_ROW:
            sentence = _("%(provider)s rejects every email: %(words)s")
            values = {"provider": self._name, "words": answer.words or answer.code}
            self._stop(ServerTroubleError(sentence % values, permanent=True))
        return Verdict.DEFERRED

    def _server_trouble(self, answer: Answer) -> ServerTroubleError:
        values = {"provider": self._name, "words": answer.words, "code": answer.code}
        if answer.code:
            sentence = _("%(provider)s fails (HTTP %(code)s): %(words)s") % values
        elif answer.verdict is Verdict.NOT_SENT:
            sentence = _("%(provider)s cannot be reached: %(words)s") % values
        else:
            sentence = _("%(provider)s accepts emails and does not answer: %(words)s") % values
        return ServerTroubleError(sentence, retry_after=answer.retry_after)

    def _account_trouble(self, answer: Answer) -> str:
        values = {"provider": self._name, "words": answer.words or f"HTTP {answer.code}"}
        if answer.code in {401, 403}:
            return _("%(provider)s rejects our key or its permissions: %(words)s") % values
        return _("%(provider)s rejects emails from this account: %(words)s") % values

    def _stop(self, trouble: ServerTroubleError) -> None:
        # What only a person can mend says more than what passes by itself.
        if self._trouble is None or (trouble.permanent and not self._trouble.permanent):
            self._trouble = trouble

    def _end(self, outcome: Outcome) -> None:
        """Note and record an outcome; what goes wrong there is raised at the end."""
        try:
            self._journal.settle(outcome)
        except Exception as error:  # noqa: BLE001 - see above
            self._error = self._error or error
        try:
            self._record(outcome)
        except Exception as error:  # noqa: BLE001 - see above
            self._error = self._error or error
