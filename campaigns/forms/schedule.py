"""When a campaign is to be sent: now, or on a day at a time in a time zone."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import zones
from accounts.models import Workspace
from campaigns import lifecycle

NOW, LATER = "now", "later"
FURTHEST = 10  # years away from now


class ScheduleForm(forms.Form):
    """The moment to send at; ``at`` is aware after validation."""

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
    zone = forms.ChoiceField(label=_("Time zone"), choices=zones.choices, required=False)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        here = zones.of_workspace(workspace)
        soon = timezone.now().astimezone(here)
        kwargs.setdefault("initial", {"when": NOW, "zone": here.key, "date": soon.date()})
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["date"].widget.attrs["min"] = soon.date().isoformat()

    def clean(self) -> dict[str, Any]:
        """Put date, time and zone together.

        Raises:
            ValidationError: the moment is over, or does not exist in the zone.
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
        zone = zones.first_known(data.get("zone") or "", self.workspace.time_zone)
        at = datetime.combine(data["date"], data["time"], tzinfo=zone)
        # A local time that clocks jump over comes back as another one.
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            raise ValidationError(
                _("Clocks in %(zone)s jump over this time on that day. Choose another time."),
                params={"zone": zone.key},
            )
        if at < timezone.now() - lifecycle.PAST_TOLERANCE:
            raise ValidationError(_("This time is already over. Choose a later one, or send now."))
        data["at"] = at
        return data

    @property
    def is_now(self) -> bool:
        """Whether it is to be sent at once (after validation)."""
        return bool(self.cleaned_data["when"] == NOW)
