"""What can hold a campaign up: a word for programs and a sentence for people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy

from accounts.choices import TextOptions


class Cause(TextOptions):
    """The one thing that decides whether a campaign goes on now."""

    DRAFT = "draft", gettext_lazy("Not sent yet")
    SCHEDULED = "scheduled", gettext_lazy("Scheduled")
    STARTING = "starting", gettext_lazy("About to start")
    PLANNING = "planning", gettext_lazy("Preparing")
    SENDING = "sending", gettext_lazy("Sending normally")
    PAUSED = "paused", gettext_lazy("Paused")
    HELD = "held", gettext_lazy("Sending is held")
    ASKS = "asks", gettext_lazy("Waits for your answer")
    NO_REDIS = "no_redis", gettext_lazy("Redis does not answer")
    NO_WORKER = "no_worker", gettext_lazy("No worker")
    BEAT_STOPPED = "beat_stopped", gettext_lazy("Beat stopped")
    NO_ACCOUNT = "no_account", gettext_lazy("No sending account")
    BREAKER_OPEN = "breaker_open", gettext_lazy("Server in trouble")
    PROVIDER_REFUSES = "provider_refuses", gettext_lazy("A mailbox provider refuses nearly all")
    THROTTLED = "throttled", gettext_lazy("Waiting for a limit")
    RETRYING = "retrying", gettext_lazy("Waiting to retry")
    UNKNOWN_LEFT = "unknown_left", gettext_lazy("Finished, some unknown")
    FINISHED = "finished", gettext_lazy("Finished")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")


# Causes that a person should look at.
TROUBLE: Final = frozenset(
    {Cause.NO_REDIS, Cause.NO_WORKER, Cause.BEAT_STOPPED, Cause.NO_ACCOUNT, Cause.BREAKER_OPEN}
    | {Cause.HELD, Cause.ASKS, Cause.PROVIDER_REFUSES}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What holds a campaign up, if anything; ``until``: when it will go on by itself."""

    cause: Cause
    sentence: str
    until: datetime | None = None
    count: int = 0

    @property
    def is_trouble(self) -> bool:
        """Whether a person should look at it."""
        return self.cause in TROUBLE
