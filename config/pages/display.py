"""How values are written on pages: in the reader's language and time zone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext
from markupsafe import Markup, escape

from accounts.workspaces import zones

NO_BREAK = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
MINUTE, HOUR, DAY = 60, 3600, 86400


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with its thousands grouped; nothing known is a dash."""
    if value is None:
        return DASH
    return number_format(round(value, digits), digits, force_grouping=True)


def signed(value: float | None, digits: int = 0) -> str:
    """Write a change with its sign (a true minus)."""
    if value is None:
        return DASH
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return sign + number(abs(value), digits)


def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction (0.386) as a percentage (38.6 %).

    Never rounds to 0 % what is not nothing, nor to 100 % what is not everything.
    """
    if value is None:
        return DASH
    step = 10**-digits
    shown = value * 100
    if 0 < shown < step / 2:
        return f"<{NO_BREAK}{number(step, digits)}{NO_BREAK}%"
    if 100 - step / 2 <= shown < 100:  # noqa: PLR2004 - a hundred per cent
        return f">{NO_BREAK}{number(100 - step, digits)}{NO_BREAK}%"
    return f"{number(shown, digits)}{NO_BREAK}%"


def share(part: float | None, whole: float | None, digits: int = 1) -> str:
    """Write what part of the whole this is; a dash where there is no whole."""
    return percent(part / whole, digits) if part is not None and whole else DASH


def _local(value: datetime) -> datetime:
    return timezone.localtime(value if timezone.is_aware(value) else value.replace(tzinfo=UTC))


def day(value: date | None) -> str:
    """Write a day: 14 Nov, with the year when it is another year."""
    if value is None:
        return DASH
    shown = _local(value) if isinstance(value, datetime) else value
    this_year = shown.year == timezone.localdate().year
    return date_format(shown, "j M" if this_year else "j M Y")


def clock(value: datetime | None, *, seconds: bool = False) -> str:
    """Write the time of day: 10:42."""
    if value is None:
        return DASH
    return date_format(_local(value), "H:i:s" if seconds else "H:i")


def moment(value: datetime | None) -> str:
    """Write a day and a time: today 10:42, 14 Nov 08:00."""
    if value is None:
        return DASH
    shown = _local(value)
    distance = (shown.date() - timezone.localdate()).days
    values = {"time": clock(value), "day": day(value)}
    if distance == 0:
        return gettext("today %(time)s") % values
    if distance == 1:
        return gettext("tomorrow %(time)s") % values
    if distance == -1:
        return gettext("yesterday %(time)s") % values
    return gettext("%(day)s %(time)s") % values


def there(value: datetime | None) -> str:
    """Write a moment with the zone of its clock, where a wrong guess would hurt.

    For example: tomorrow 09:00 (Asia/Jakarta).
    """
    if value is None:
        return DASH
    values = {"moment": moment(value), "zone": zones.named(value)}
    return gettext("%(moment)s (%(zone)s)") % values


def duration(value: float | timedelta | None) -> str:
    """Write a length of time (seconds or a timedelta) in its largest unit: 4 min, 2 h 10 min."""
    if value is None:
        return DASH
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < MINUTE:
        return gettext("%(n)s s") % {"n": max(seconds, 0)}
    if seconds < HOUR:
        return gettext("%(n)s min") % {"n": round(seconds / MINUTE)}
    if seconds < DAY:
        hours, minutes = divmod(round(seconds / MINUTE), 60)
        if not minutes:
            return gettext("%(n)s h") % {"n": hours}
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    days = round(seconds / DAY)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def ago(value: datetime | None) -> str:
    """Write how long ago something was, or how soon it will be."""
    if value is None:
        return DASH
    seconds = (timezone.now() - value).total_seconds()
    if abs(seconds) < MINUTE:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if seconds > 30 * DAY:
        return day(value)
    if seconds > 0:
        return gettext("%(time)s ago") % {"time": duration(seconds)}
    return gettext("in %(time)s") % {"time": duration(-seconds)}


def time_tag(value: datetime | None, how: str = "moment") -> Markup:
    """Write a moment as a ``<time>`` element whose title says it in full."""
    if value is None:
        return Markup("<span>{}</span>").format(DASH)
    write: dict[str, Callable[..., str]] = {
        "ago": ago,
        "clock": clock,
        "day": day,
        "moment": moment,
    }
    whole = {"moment": date_format(_local(value), "DATETIME_FORMAT"), "zone": zones.named(value)}
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), gettext("%(moment)s (%(zone)s)") % whole, write[how](value)
    )


def filesize(size: int | None) -> str:
    """Write a number of bytes: 83.2 kB."""
    return DASH if size is None else filesizeformat(size)


def _local_part(name: str) -> str:
    return name.partition("@")[0].replace(".", " ")


def initials(name: str) -> str:
    """Return one or two letters that stand for a name or an address."""
    words = [word for word in _local_part(name).split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def lines(text: str) -> Markup:
    """Keep the line breaks of a plain text."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "clock": clock,
    "day": day,
    "duration": duration,
    "filesize": filesize,
    "initials": initials,
    "lines": lines,
    "moment": moment,
    "number": number,
    "percent": percent,
    "share": share,
    "signed": signed,
    "there": there,
    "time_tag": time_tag,
}
