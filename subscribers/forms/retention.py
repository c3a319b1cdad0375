"""How long a workspace keeps what its people left behind."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from subscribers.models import Retention

FOREVER = ""
ORIGIN = (
    (FOREVER, _("As long as the event itself")),
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("180", _("Half a year")),
    ("365", _("1 year")),
    ("1095", _("3 years")),
)
HISTORY = (
    (FOREVER, _("For as long as the person is here")),
    ("180", _("Half a year")),
    ("365", _("1 year")),
    ("1095", _("3 years")),
    ("1825", _("5 years")),
    ("3650", _("10 years")),
)


class RetentionForm(forms.ModelForm[Retention]):
    """Two periods."""

    origin_days = forms.TypedChoiceField(
        label=_("Network address and browser"),
        choices=ORIGIN,
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_(
            "Of consent events, opens and clicks. What was agreed to, when, and by which form "
            "stays; only from where it came is forgotten."
        ),
    )
    history_days = forms.TypedChoiceField(
        label=_("History of people who left a list"),
        choices=HISTORY,
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_(
            "Counted from the day they left. That they left is never forgotten, so nobody comes "
            "back by it. Keep it for as long as somebody may ask you to prove an old consent."
        ),
    )

    class Meta:
        model = Retention
        fields = ("origin_days", "history_days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer a period, too, that was set in another way."""
        super().__init__(*args, **kwargs)
        for name in self.Meta.fields:
            days = getattr(self.instance, name)
            field = self.fields[name]
            known = {value for value, _label in field.choices}  # type: ignore[attr-defined]
            if days is not None and str(days) not in known:
                field.choices = [  # type: ignore[attr-defined]
                    *field.choices,  # type: ignore[attr-defined]
                    (str(days), _("%(days)s days") % {"days": days}),
                ]
