"""Whose clock a page shows: the user's, else the workspace's, else the installation's."""

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.utils import timezone

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


@cache
def choices() -> tuple[tuple[str, str], ...]:
    """Return the IANA zones that people choose from, for a select: no historic aliases."""
    skipped = ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Mexico/", "Chile/")
    names = (name for name in available_timezones() if re.match(r"^([A-Z]\w+/|UTC$)", name))
    return tuple(
        (name, name.replace("_", " ")) for name in sorted(names) if not name.startswith(skipped)
    )


def of_workspace(workspace: Workspace) -> ZoneInfo:
    """Return a workspace's time zone."""
    return first_known(workspace.time_zone)


def activate(user: User, workspace: Workspace | None = None) -> None:
    """Have everything that this thread writes from now on say a user's time."""
    timezone.activate(first_known(user.time_zone, workspace.time_zone if workspace else ""))
