"""What other numbers would do: whom they would suppress, and whom they would let come back.

Read from the bounces of the last months, person by person, with the code that decides when a bounce
comes in. Nothing is written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from delivery.bounce_policy import effects, following, rules, runs
from delivery.bounce_policy.following import Why
from delivery.models import BouncePolicy, SoftBounces
from delivery.states import Effect, EventKind
from subscribers.models import Subscriber, Suppression
from subscribers.states import SuppressionReason

REACH: Final = timedelta(days=365)
MOST: Final = 50_000  # people who bounced; beyond, the newest are looked at
AT_ONCE: Final = 2_000
_BOUNCED: Final = """
SELECT event.subscriber_id, max(event.at) FILTER (WHERE event.effect = ANY(%(hard)s)),
    bool_or(event.effect = ANY(%(counted)s))
FROM delivery_event event JOIN campaigns_campaign campaign ON campaign.id = event.campaign_id
WHERE campaign.workspace_id = %(workspace)s AND event.kind = %(bounced)s
    AND event.at > %(since)s AND event.effect = ANY(%(hard)s || %(counted)s)
    AND coalesce(event.source, 0) <> ALL(%(unsure)s)
GROUP BY 1 ORDER BY 1 DESC LIMIT %(most)s
"""


Row = tuple[int, datetime | None, bool]  # who, the last hard bounce, whether others count


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Keys of addresses: whom a policy would suppress who is not, and whom it would let back."""

    suppressed: dict[str, Why] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    is_cut: bool = False  # more people bounced than were looked at


def of(workspace: Workspace, policy: BouncePolicy) -> Trial:
    """Try a policy, saved or not, on the bounces there are."""
    rows = _bounced(workspace)
    trial = Trial(is_cut=len(rows) >= MOST)
    for part in _parts(rows):
        people = dict(
            Subscriber.objects.filter(
                pk__in=[person for person, *_ in part], workspace=workspace
            ).values_list("pk", "email_key")
        )
        _try(workspace, policy, part, people, trial)
    return trial


def _try(
    workspace: Workspace,
    policy: BouncePolicy,
    rows: Iterable[Row],
    people: dict[int, str],
    trial: Trial,
) -> None:
    excepted = rules.excepted(workspace.pk, people.values())
    known = dict(
        Suppression.objects.filter(
            workspace=workspace, email_key__in=list(people.values())
        ).values_list("email_key", "reason")
    )
    cleared = dict(
        SoftBounces.objects.filter(
            subscriber_id__in=list(people), cleared_at__isnull=False
        ).values_list("subscriber_id", "cleared_at")
    )
    counted = runs.of(person for person, _hard, is_counted in rows if is_counted)
    for person, hard_at, _is_counted in rows:
        key = people.get(person)
        if key is None:
            continue
        since = cleared.get(person)
        is_hard = hard_at is not None and (since is None or hard_at > since)
        why = _why(policy, counted.get(person, runs.Run()), is_hard=is_hard)
        if key in excepted:
            why = None
        if why is not None and key not in known:
            trial.suppressed[key] = why
        elif why is None and known.get(key) == SuppressionReason.BOUNCED:
            trial.released.append(key)


def _why(policy: BouncePolicy, run: runs.Run, *, is_hard: bool) -> Why | None:
    if is_hard and policy.suppress_hard:
        return Why(effect=Effect.ADDRESS_INVALID)
    if run.exceeds(policy):
        inactive = run.inactive >= policy.inactive_count
        effect = Effect.MAILBOX_INACTIVE if inactive else Effect.MAILBOX_FULL
        return Why(effect=effect, run=run)
    return None


def suppress(workspace: Workspace, trial: Trial) -> int:
    """Do what a trial said of those who are not suppressed; returns how many."""
    return following.suppress(workspace, trial.suppressed)


def _bounced(workspace: Workspace) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            _BOUNCED,
            {
                "workspace": workspace.pk,
                "bounced": EventKind.BOUNCED.value,
                "hard": [effect.value for effect in effects.HARD],
                "counted": [effect.value for effect in effects.COUNTED],
                "unsure": [source.value for source in effects.UNSURE],
                "since": timezone.now() - REACH,
                "most": MOST,
            },
        )
        return list(cursor.fetchall())


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    for first in range(0, len(rows), AT_ONCE):
        yield rows[first : first + AT_ONCE]
