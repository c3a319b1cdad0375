"""Kept mails are read once more, because the rules know more by now.

What was told already counts once; what is told for the first time is applied. What a person said
of a mail stands. Where a reason that was applied reads otherwise today, the mail's row shows it and
it is counted as changed; what followed from it is for people to undo.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import User, Workspace
from delivery.bounces import intake, words
from delivery.models import BounceReplay, ReturnedMail, WordRule
from delivery.states import ReturnedState

BATCH: Final = 100


@dataclass(kw_only=True)
class Numbers:
    """How many mails stand where, before and after; ``changed``: read otherwise than before."""

    looked: int = 0
    changed: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)

    def count(self, was: tuple[object, ...], row: ReturnedMail, state: int) -> None:
        """Count one mail."""
        self.looked += 1
        self.before[str(was[0])] += 1
        self.after[str(int(state))] += 1
        self.changed += was != (int(state), row.kind, row.effect, list(row.recipients))


def replayable(workspace: Workspace | int) -> QuerySet[ReturnedMail]:
    """Return the mails that can be read once more: kept, and not decided by a person."""
    kept = ReturnedMail.objects.filter(workspace=workspace).exclude(raw=b"")
    return kept.exclude(~Q(verdict=""), rules_version=0)


def begin(workspace: Workspace, *, by: User | None) -> BounceReplay:
    """Return a replay of a workspace's kept mails: a new one, or the one that still runs."""
    running = BounceReplay.objects.filter(workspace=workspace, finished_at=None).first()
    if running is not None:
        return running
    last = replayable(workspace).aggregate(last=Max("pk"))["last"] or 0
    return BounceReplay.objects.create(workspace=workspace, asked_by=by, up_to=last)


def run(replay_id: int, *, seconds: float) -> bool:
    """Go on with a replay for some seconds; returns whether there is more to do."""
    replay = BounceReplay.objects.filter(pk=replay_id, finished_at=None).first()
    if replay is None:
        return False
    until = time.monotonic() + seconds
    rules = words.rules_of(replay.workspace_id)
    while True:
        rows = list(
            replayable(replay.workspace_id)
            .filter(pk__gt=replay.done_to, pk__lte=replay.up_to)
            .order_by("pk")[:BATCH]
        )
        if not rows:
            replay.finished_at = timezone.now()
            replay.save(update_fields=["finished_at"])
            return False
        _add(replay, read_again(rows, rules=rules), done_to=rows[-1].pk)
        if time.monotonic() > until:
            return True


def read_again(
    rows: Iterable[ReturnedMail], *, rules: list[WordRule] | None = None, is_rehearsal: bool = False
) -> Numbers:
    """Read mails once more; a rehearsal writes and tells nothing."""
    numbers = Numbers()

    def again(row: ReturnedMail) -> None:
        was = (int(row.state), row.kind, row.effect, list(row.recipients))
        outcome = intake.understand(row, rules=rules, is_rehearsal=is_rehearsal)
        state = outcome.state
        if not is_rehearsal:
            intake.write(row, outcome)
        else:
            row.kind = outcome.kind
            row.effect = next((one.effect.value for one in outcome.told), 0)
            row.recipients = outcome.recipients[: intake.MOST_RECIPIENTS]
            if state == ReturnedState.APPLIED and row.state == ReturnedState.UNMATCHED:
                state = ReturnedState.UNMATCHED  # only telling would show whether it is found now
        numbers.count(was, row, state)

    set_aside.each("returned mail", rows, again, name=lambda row: str(row.pk))
    return numbers


def unfinished() -> list[int]:
    """Return the replays that somebody has to go on with."""
    return list(BounceReplay.objects.filter(finished_at=None).values_list("pk", flat=True)[:20])


def _add(replay: BounceReplay, numbers: Numbers, *, done_to: int) -> None:
    replay.done_to = done_to
    replay.looked += numbers.looked
    replay.changed += numbers.changed
    replay.before = dict(Counter(replay.before) + numbers.before)
    replay.after = dict(Counter(replay.after) + numbers.after)
    replay.save(update_fields=["done_to", "looked", "changed", "before", "after"])
