"""The names of time zones that a person may have."""

import zoneinfo
from functools import cache


@cache
def known() -> frozenset[str]:
    """Return every name of the machine's time zone database."""
    return frozenset(zoneinfo.available_timezones())
