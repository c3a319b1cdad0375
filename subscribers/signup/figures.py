"""How often a form is seen, sent and confirmed: one small row per form and hour.

Views are counted in Redis, so that opening a page writes nothing into the database, and copied
from there every minute. The copy sets a total instead of adding, so it may run twice or late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import Workspace
from subscribers.models import SignupForm, SignupTally

COUNTED = ("seen", "submitted", "held", "mailed", "confirmed")
KEPT = timedelta(hours=3)  # how long Redis keeps an hour's views
ADD = """
INSERT INTO subscribers_signuptally AS tally (form_id, hour, {column})
VALUES (%(form)s, %(hour)s, 1)
ON CONFLICT (form_id, hour) DO UPDATE SET {column} = tally.{column} + 1
"""
SEEN = """
INSERT INTO subscribers_signuptally AS tally (form_id, hour, seen)
SELECT form.id, %(hour)s, %(seen)s FROM subscribers_signupform form WHERE form.id = %(form)s
ON CONFLICT (form_id, hour) DO UPDATE SET seen = GREATEST(tally.seen, EXCLUDED.seen)
"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Sums over some time."""

    seen: int = 0
    submitted: int = 0
    held: int = 0
    mailed: int = 0
    confirmed: int = 0


def count(form_id: int, what: str) -> None:
    """Add one to a column of `SignupTally` for this hour."""
    assert what in COUNTED  # noqa: S101 - a column's name, never given from outside
    with connection.cursor() as cursor:
        cursor.execute(ADD.format(column=what), {"form": form_id, "hour": _hour(timezone.now())})


def note_view(form: SignupForm) -> None:
    """Count a view in Redis; a page is shown even when that is away."""
    key = _key(form.pk, _hour(timezone.now()))
    cache.add(key, 0, timeout=int(KEPT.total_seconds()))
    try:
        cache.incr(key)
    except ValueError:  # it ran out between the two
        cache.set(key, 1, timeout=int(KEPT.total_seconds()))


def copy_views() -> int:
    """Copy the views of this hour and the one before from Redis; returns how many rows."""
    now = _hour(timezone.now())
    copied = 0
    forms = list(SignupForm.objects.filter(is_active=True).values_list("pk", flat=True))
    for hour in (now - timedelta(hours=1), now):
        found = cache.get_many([_key(form_id, hour) for form_id in forms])
        seen = {form_id: found.get(_key(form_id, hour)) for form_id in forms}
        copy = partial(_copy, seen=seen, hour=hour)
        due = [form_id for form_id, views in seen.items() if views]
        copied += set_aside.each("views of forms", due, copy, name="form {}".format)
    return copied


def _copy(form_id: int, *, seen: Mapping[int, Any], hour: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SEEN, {"form": form_id, "hour": hour, "seen": seen[form_id]})


def of_forms(workspace: Workspace, *, days: int = 30) -> dict[int, Figures]:
    """Return each form's figures of the last days, by form id."""
    rows = (
        SignupTally.objects.filter(
            form__workspace=workspace, hour__gt=timezone.now() - timedelta(days=days)
        )
        .values("form_id")
        .values_list("form_id", *(Sum(name) for name in COUNTED))
    )
    return {form_id: Figures(**dict(zip(COUNTED, sums, strict=True))) for form_id, *sums in rows}


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _key(form_id: int, hour: datetime) -> str:
    return f"signup:seen:{form_id}:{hour:%Y%m%d%H}"
