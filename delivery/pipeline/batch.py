"""Hand-over: one claim's mails on their way: rendered as they are asked for, noted as they end.

Between two mails it looks (at most twice a second) whether the campaign is still to be sent, so
pause, cancel and shutdown act within a second also inside a claim. Apart from that it records what
came and keeps the lease, until the last answer: a server may take longer for it than a lease is.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.installation import watch
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.rendering.isolation import BusyError
from campaigns.states import CampaignStatus
from delivery.limits.gate import Gate
from delivery.limits.throttle import word_of
from delivery.mime.render import RenderError
from delivery.models import Dispatch
from delivery.pipeline import claim, prepare, record
from delivery.states import Reason
from delivery.transports.protocol import Outcome, Outgoing, Verdict

LOOK_SECONDS: Final = 0.5
RENEW_SECONDS: Final = 5.0
PARKED_SECONDS: Final = 0.1
BATCH: Final = 1_000
MANY_ERRORS: Final = 20
MANY_ERRORS_SHARE: Final = 0.05
MANY_RUNAWAYS: Final = 3  # each has held up this account's mail for seconds
DATABASE_IS_AWAY: Final = (OperationalError, InterfaceError)
log = structlog.get_logger()


@dataclass(kw_only=True, slots=True)
class TimeSlice:
    """How long to go on, and who says that it is enough."""

    until: float  # time.monotonic()
    is_over: Callable[[], bool]  # asked often: must cost next to nothing
    keep: Callable[[], object]  # called twice a second by the loop; False: the slice ends now


@dataclass(slots=True)
class HandOver:
    """What becomes of one claim's messages while a transport sends them.

    ``keep`` is called twice a second while mail is under way, to share connections anew.
    """

    held: claim.Held
    prepared: prepare.Prepared
    due: list[claim.Due]
    writer: record.Writer
    gate: Gate
    part: TimeSlice
    keep: Callable[[], object]
    answers: int = 0  # how often a server said something about a mail
    silences: int = 0  # how often it took one and said nothing
    counts: Counter[Verdict] = field(default_factory=Counter)
    is_starved: bool = False  # others have all connections to some mailbox provider
    held_back: dict[int, list[int]] = field(default_factory=dict)  # for a limit, by domain group
    _queue: Iterator[claim.Due] | None = None
    _has_begun: bool = False
    _parked: dict[int, deque[claim.Due]] = field(default_factory=dict)
    _groups: dict[int, int] = field(default_factory=dict)  # of the mails under way, if limited
    _moments: dict[int, float] = field(default_factory=dict)  # from when on mails may leave
    _left: set[int] = field(default_factory=set)  # messages without an outcome
    _pulled: int = 0
    _waiting: list[Outcome] = field(default_factory=list)
    _errors: dict[int, str] = field(default_factory=dict)
    _runaways: int = 0  # of the errors: those whose rendering had to be stopped
    _once_more: deque[claim.Due] = field(default_factory=deque)
    _stop: bool = False
    _look_at: float = 0.0
    _keep_at: float = 0.0
    _renew_at: float = 0.0

    def __post_init__(self) -> None:
        now = time.monotonic()
        self._look_at = self._keep_at = now + LOOK_SECONDS
        self._renew_at = now + RENEW_SECONDS
        self._left = {message.message_id for message in self.due}

    def mails(self) -> Iterator[Outgoing]:
        """Render one mail after the other, as long as there are permits."""
        mail = self.prepared.mails_of(self.due)
        is_open = self.gate.is_open(message.domain_group for message in self.due)
        for message in self.due if is_open else self._admitted():
            self._pulled += 1
            try:
                rendered = mail(message)
            except RenderError as error:
                self._runaways += error.is_runaway
                self._fails(message, str(error))
                if error.is_runaway and not self.has_too_many_errors:  # seconds have passed
                    self.keep_alive()
            except BusyError:  # nothing was tried: they stay planned
                self._end_group(message.message_id)
                self._stop = True
                return
            except Exception:
                # Not this person's fault, perhaps: tried once more when the others are through.
                log.exception("mail_could_not_be_made", message=message.message_id)
                self._once_more.append(message)
            else:
                yield rendered if is_open else self._timed(rendered)
            if self._errors and self.has_too_many_errors:
                return
        yield from self._second_tries(mail)

    def _second_tries(self, mail: Callable[[claim.Due], Outgoing]) -> Iterator[Outgoing]:
        while self._once_more:
            message = self._once_more.popleft()
            try:
                rendered = mail(message)
            except BusyError:
                self._end_group(message.message_id)
                self._stop = True
                return
            except Exception:  # noqa: BLE001 - logged the first time
                words = _("Something in this person's values can't be put into an email.")
                self._fails(message, words)
                if self.has_too_many_errors:
                    return
            else:
                yield self._timed(rendered)

    def _timed(self, mail: Outgoing) -> Outgoing:
        """Say from when on a mail may leave."""
        moment = self._moments.pop(mail.message_id, 0.0)
        return replace(mail, not_before=moment) if moment else mail

    def _fails(self, message: claim.Due, words: str) -> None:
        self._errors[message.message_id] = words
        self._end_group(message.message_id)

    def _admitted(self) -> Iterator[claim.Due]:
        """One message after the other, as limits allow; who waits for a connection is parked."""
        gate, provider_slots = self.gate, self.gate.provider_slots
        if self._queue is None:
            self._queue = iter(self.due)
        while (message := self._next(self._queue)) is not None:
            group = message.domain_group
            moment = gate.admit(group)
            if moment is None:
                self.held_back.setdefault(group, []).append(message.message_id)
                continue
            if moment:
                self._moments[message.message_id] = moment
            if group in provider_slots.most:
                provider_slots.begin(group)
            self._groups[message.message_id] = group
            yield message

    def _next(self, queue: Iterator[claim.Due]) -> claim.Due | None:
        """Return whose turn it is: the parked first, as soon as a connection is free for them."""
        provider_slots = self.gate.provider_slots
        for group, waiting in self._parked.items():
            if waiting and provider_slots.has_room(group):
                return waiting.popleft()
        for message in queue:
            group = message.domain_group
            if provider_slots.has_room(group):
                return message
            self._parked.setdefault(group, deque()).append(message)
        return None

    @property
    def goes_on(self) -> bool:
        """Whether there is something to pull: at the beginning, and while somebody is parked."""
        if self._queue is None and not self._has_begun:
            self._has_begun = True
            return bool(self.due)
        while any(self._parked.values()) and not self.should_stop():
            if any(
                waiting and self.gate.provider_slots.has_room(g)
                for g, waiting in self._parked.items()
            ):
                return True
            if not self._is_patient():
                break
        return False

    def _is_patient(self) -> bool:
        """Wait a little for others to give up connections to mailbox providers.

        Not for long: then the claim goes back, to a process that has some.
        """
        if not self.gate.provider_slots.is_new:
            self.is_starved = True
            return False
        time.sleep(PARKED_SECONDS)
        self.keep_alive()
        self.gate.provider_slots.renew()
        return True

    def note(self, outcome: Outcome) -> None:
        """Take a mail's outcome; record what has come together."""
        group = self._end_group(outcome.message_id)
        if group is not None and outcome.verdict is not Verdict.NOT_SENT and self.gate.is_limited:
            self.gate.answered(group)
        self.counts[outcome.verdict] += 1
        if outcome.verdict is Verdict.NOT_SENT:
            return
        self._left.discard(outcome.message_id)
        if outcome.code:
            self.answers += 1
        elif outcome.verdict is Verdict.UNKNOWN:
            self.silences += 1
        self._waiting.append(outcome)
        if len(self._waiting) >= BATCH:
            self.flush()

    def _end_group(self, message_id: int) -> int | None:
        """Count a mail as no longer under way; returns the mailbox provider, if limits hold."""
        group = self._groups.pop(message_id, None)
        if group is not None and group in self.gate.provider_slots.most:
            self.gate.provider_slots.end(group)
        return group

    def should_stop(self) -> bool:
        """Say whether to stop pulling; looks at the campaign every half second."""
        if self._stop or self.part.is_over():
            return True
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._stop = now >= self.part.until or not self._is_to_be_sent()
        return self._stop

    def _is_to_be_sent(self) -> bool:
        try:
            return (
                watch.may_send()
                and Campaign.objects.filter(
                    pk=self.held.campaign, status=CampaignStatus.SENDING, asks_since=None
                ).exists()
            )
        except DATABASE_IS_AWAY:
            return False

    def keep_alive(self) -> None:
        """Share connections and record what came every half second; renew the lease every few."""
        now = time.monotonic()
        if now < self._keep_at:
            return
        self._keep_at = now + LOOK_SECONDS
        try:
            self.keep()
            self.gate.provider_slots.renew()
            self.gate.renew()
            self.flush()
            if now >= self._renew_at:
                self._renew_at = now + RENEW_SECONDS
                if not claim.renew(self.held):
                    self._stop = True
        except DATABASE_IS_AWAY:
            self._stop = True  # finish what is on the wire; the journal knows it

    def flush(self, *, last: bool = False) -> None:
        """Record what is known; ``last``: also those who are skipped for a render error."""
        batch, self._waiting = self._waiting, []
        if batch:
            try:
                record.outcomes(self.writer, batch)
            except BaseException:
                self._waiting = batch + self._waiting
                raise
        if last and self._errors and not self.has_too_many_errors:
            skipped = dict.fromkeys(self._errors, Reason.RENDER_ERROR)
            record.skip(self.writer, skipped, words=self._errors)
            Dispatch.objects.filter(campaign_id=self.held.campaign).update(
                render_errors=F("render_errors") + len(skipped)
            )
            self._left.difference_update(self._errors)
            self._errors.clear()

    @property
    def has_too_many_errors(self) -> bool:
        """Whether so many people's mail can't be rendered that the content must be at fault."""
        errors = len(self._errors)
        if self._runaways >= MANY_RUNAWAYS:
            return True
        return errors >= MANY_ERRORS and errors > MANY_ERRORS_SHARE * self._pulled

    def pause_for_errors(self) -> None:
        """Pause the campaign; those people stay planned and get their mail once it is mended."""
        campaign = Campaign.objects.get(pk=self.held.campaign)
        errors = len(self._errors)
        sentence = ngettext(
            "The email of %(count)d person could not be filled in: %(error)s",
            "The emails of %(count)d people could not be filled in, the first because: %(error)s",
            errors,
        ) % {"count": errors, "error": next(iter(self._errors.values()))[:150]}
        if lifecycle.pause(campaign, reason=sentence):
            first = next(iter(self._errors))
            person = next(due.subscriber_id for due in self.due if due.message_id == first)
            Dispatch.objects.filter(campaign=campaign).update(
                unfilled_subscriber=person, unfilled_at=campaign.paused_at
            )

    @property
    def remaining(self) -> set[int]:
        """The messages that will still be planned after the last `flush`."""
        return self._left if self.has_too_many_errors else self._left.difference(self._errors)

    def waits_until(self, group: int) -> tuple[datetime, str]:
        """Return from when on mail to a mailbox provider may go again, and what it waits for."""
        grant = self.gate.waits[group]
        return timezone.now() + timedelta(seconds=grant.wait), word_of(grant.limit)
