"""What the news of one mail says together: the same whatever the order it came in.

Delivered, bounced and complained are the first moments of each. A bounce stands, also after a
delivery (a server may accept a mail and return it later); only one that said "later" is over when
the mail was delivered after it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from delivery.states import AgentClass, Effect, EventKind
from delivery.tracking import counting

KINDS: Final = (
    EventKind.DELIVERED,
    EventKind.BOUNCED,
    EventKind.COMPLAINED,
    EventKind.DELAYED,
    EventKind.AUTO_REPLIED,
)
# A delivery after one of these says that the mail arrived in the end.
PASSING: Final = frozenset({Effect.TRANSIENT, Effect.MAILBOX_FULL, Effect.THROTTLED, Effect.DELAY})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One event of a mail, as far as it counts."""

    kind: EventKind
    at: datetime
    effect: Effect = Effect.NONE
    is_sure: bool = True  # False: by a match from which nothing follows for the person


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What a mail's events say together."""

    total: Counter[EventKind]
    delivered_at: datetime | None
    bounced_at: datetime | None
    complained_at: datetime | None

    @property
    def columns(self) -> tuple[datetime | None, ...]:
        """What stands in the message."""
        return self.delivered_at, self.bounced_at, self.complained_at

    @property
    def unique(self) -> frozenset[EventKind]:
        """The kinds that the mail counts for in the campaign's figures."""
        said = {
            EventKind.DELIVERED: self.delivered_at,
            EventKind.BOUNCED: self.bounced_at,
            EventKind.COMPLAINED: self.complained_at,
        }
        return frozenset(kind for kind in self.total if said.get(kind, kind) is not None)


def read(facts: Iterable[Fact]) -> Story:
    """Read the story of one mail; refusals while it was sent are no part of it."""
    found = list(facts)
    delivered = [fact.at for fact in found if fact.kind is EventKind.DELIVERED]
    newest = max(delivered, default=None)
    bounces = [
        fact.at
        for fact in found
        if fact.kind is EventKind.BOUNCED
        and not (fact.effect in PASSING and newest is not None and newest > fact.at)
    ]
    complaints = [fact.at for fact in found if fact.kind is EventKind.COMPLAINED]
    return Story(
        total=Counter(fact.kind for fact in found),
        delivered_at=min(delivered, default=None),
        bounced_at=min(bounces, default=None),
        complained_at=min(complaints, default=None),
    )


def difference(changes: counting.Changes, campaign_id: int, before: Story, after: Story) -> None:
    """Note what changes in a campaign's figures when a mail's story goes on."""
    for kind in before.total.keys() | after.total.keys():
        changes.add(
            campaign_id,
            (int(kind), int(AgentClass.HUMAN), 0),
            total=after.total[kind] - before.total[kind],
            unique=(kind in after.unique) - (kind in before.unique),
        )
