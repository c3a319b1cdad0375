"""Whose clock a page shows: the user's, else the workspace's, else the installation's."""

import re
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace


def first_known(*names: str) -> ZoneInfo:
    """Return the first time zone of these IANA names that this machine knows.

    Empty and unknown names are passed over; without any other it is the installation's zone.
    """
    for name in names:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder's name is an OSError
            continue
    return ZoneInfo(settings.TIME_ZONE)


def choices(chosen: str = "") -> tuple[tuple[str, str], ...]:
    """Return the IANA zones that people choose from, for a select: no historic aliases.

    ``chosen`` is offered in any case, if this machine knows it: a select that lacks what was
    stored would show, and save, another one.
    """
    offered = _usual()
    if not chosen or chosen in dict(offered) or first_known(chosen).key != chosen:
        return offered
    return ((chosen, _in_words(chosen)), *offered)


@cache
def _usual() -> tuple[tuple[str, str], ...]:
    skipped = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Mexico/", "Chile/")
    names = (name for name in available_timezones() if re.match(r"^([A-Z]\w+/|UTC$)", name))
    return tuple((name, _in_words(name)) for name in sorted(names) if not name.startswith(skipped))


def of_workspace(workspace: Workspace) -> ZoneInfo:
    """Return a workspace's time zone."""
    return first_known(workspace.time_zone)


def activate(user: User | None = None, workspace: Workspace | None = None) -> None:
    """Have everything that this thread writes from now on say the time of these."""
    timezone.activate(
        first_known(user.time_zone if user else "", workspace.time_zone if workspace else "")
    )


def current() -> ZoneInfo:
    """Return the zone of the clock that is read here."""
    return first_known(str(timezone.get_current_timezone()))


def moments(local: datetime) -> list[datetime]:
    """Return when the clock of an aware time's zone shows this time.

    Usually one moment; none where clocks jump over it, two where they are turned back and show it
    twice.
    """
    zone, shown = local.tzinfo, local.replace(tzinfo=None, fold=0)
    at = [local.replace(fold=fold) for fold in (0, 1)]
    found = [
        one for one in at if one.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == shown
    ]
    return found[:1] if at[0].utcoffset() == at[1].utcoffset() else found


def offset(at: datetime) -> str:
    """Write how far an aware time's clock is from UTC: "UTC+07:00"."""
    return f"UTC{at.isoformat()[-6:]}"


def named(at: datetime, zone: ZoneInfo | None = None) -> str:
    """Name the zone (usually of the clock that is read here) beside a moment: "Asia/Jakarta".

    A time that its clock shows twice is told from the other: "Europe/Berlin, UTC+01:00".
    """
    local = at.astimezone(zone or current())
    name = _in_words(str(local.tzinfo))
    if len(moments(local)) == 1:
        return name
    return _("%(zone)s, %(offset)s") % {"zone": name, "offset": offset(local)}


def _in_words(name: str) -> str:
    return name.replace("_", " ")
