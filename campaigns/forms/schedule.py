"""When a campaign is to be sent: now, or on a day at a time in a time zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.workspaces import zones
from campaigns import lifecycle

NOW, LATER = "now", "later"
FIRST, SECOND = "first", "second"
FURTHEST = 10  # years away from now


class ScheduleForm(forms.Form):
    """The moment to send at; ``at`` is aware after validation.

    Clocks that are turned back show an hour twice: for a time in it ``twice`` holds both moments as
    (value, words), and without an ``occurrence`` the form asks which of the two is meant.
    """

    when = forms.ChoiceField(
        label=_("When"),
        choices=[(NOW, _("Now")), (LATER, _("At a date and time"))],
        widget=forms.RadioSelect,
    )
    date = forms.DateField(
        label=_("Date"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    time = forms.TimeField(
        label=_("Time"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    zone = forms.ChoiceField(label=_("Time zone"), required=False)
    occurrence = forms.ChoiceField(
        label=_("Which of the two"), choices=[(FIRST, ""), (SECOND, "")], required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        here = zones.current()
        soon = timezone.now().astimezone(here)
        kwargs.setdefault("initial", {"when": NOW, "zone": here.key, "date": soon.date()})
        super().__init__(*args, **kwargs)
        self.twice: list[tuple[str, str]] = []
        self.fields["zone"].choices = zones.choices(here.key)  # type: ignore[attr-defined]
        self.fields["date"].widget.attrs["min"] = soon.date().isoformat()

    @property
    def chosen_zone(self) -> ZoneInfo:
        """The zone whose clock counts (after validation)."""
        return zones.first_known(self.cleaned_data.get("zone") or "", zones.current().key)

    def clean(self) -> dict[str, Any]:
        """Put date, time and zone together.

        Raises:
            ValidationError: the moment is over, does not exist in the zone, or could be one of two.
        """
        data = super().clean() or self.cleaned_data
        if data.get("when") == NOW:
            data["at"] = timezone.now() + lifecycle.UNDO_WINDOW
            return data
        if self.errors:
            return data
        for name in ("date", "time"):
            if not data.get(name):
                self.add_error(name, _("Say when the campaign is to be sent."))
        if self.errors:
            return data
        if abs(data["date"].year - timezone.now().year) > FURTHEST:
            self.add_error("date", _("Choose a day within the next years."))
            return data
        data["at"] = self._moment(data)
        return data

    def _moment(self, data: dict[str, Any]) -> datetime:
        zone = self.chosen_zone
        values = {"zone": zone.key.replace("_", " ")}
        moments = zones.moments(datetime.combine(data["date"], data["time"], tzinfo=zone))
        if not moments:
            raise ValidationError(
                _("Clocks in %(zone)s jump over this time on that day. Choose another time."),
                params=values,
            )
        over = timezone.now() - lifecycle.PAST_TOLERANCE
        to_come = [at for at in moments if at >= over]
        if not to_come:
            raise ValidationError(_("This time is already over. Choose a later one, or send now."))
        if len(to_come) == 1:
            return to_come[0]
        first, second = (
            {"time": time_format(at, "H:i"), "offset": zones.offset(at)} for at in to_come
        )
        self.twice = [
            (FIRST, gettext("%(time)s before clocks are turned back (%(offset)s)") % first),
            (SECOND, gettext("%(time)s after clocks are turned back (%(offset)s)") % second),
        ]
        if not data.get("occurrence"):
            raise ValidationError(
                _("Clocks in %(zone)s show this time twice on that day. Choose which you mean."),
                params=values,
            )
        return to_come[1] if data["occurrence"] == SECOND else to_come[0]

    @property
    def is_now(self) -> bool:
        """Whether it is to be sent at once (after validation)."""
        return bool(self.cleaned_data["when"] == NOW)
