"""The form of a warm-up plan: a first day, and a ceiling for each day."""

import re
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from delivery.limits import warm_up
from delivery.models import SendingAccount, WarmUp


class WarmUpForm(forms.Form):
    """A plan as people edit it: one number for each day."""

    starts_on = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    ceilings = forms.CharField(
        label=_("Emails on each day"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("One number for each day, separated by blanks or line ends."),
    )

    def __init__(self, *args: Any, account: SendingAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        plan = WarmUp.objects.filter(account=account).first()
        zone = warm_up.zone_of(account)
        self.initial.setdefault(
            "starts_on", plan.starts_on if plan else timezone.now().astimezone(zone).date()
        )
        numbers = plan.ceilings if plan else warm_up.usual_plan()
        self.initial.setdefault("ceilings", "  ".join(map(str, numbers)))

    def clean_ceilings(self) -> list[int]:
        """Read the numbers; name the one that is none."""
        words = re.split(r"[\s;]+", str(self.cleaned_data["ceilings"]).strip())
        numbers = []
        for word in words:
            digits = re.sub(r"[.,'_](?=\d{3}\b)", "", word)
            if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= warm_up.MOST:
                raise forms.ValidationError(
                    _("“%(word)s” is not a number from 1 to 10,000,000."),
                    params={"word": word[:30]},
                )
            numbers.append(int(digits))
        if len(numbers) > warm_up.MOST_DAYS:
            raise forms.ValidationError(_("A plan has at most 90 days."))
        return numbers

    def save(self) -> WarmUp:
        """Keep the plan; it holds from the next claim on."""
        plan, _made = WarmUp.objects.update_or_create(
            account=self.account,
            defaults={
                "starts_on": self.cleaned_data["starts_on"],
                "ceilings": self.cleaned_data["ceilings"],
            },
        )
        return plan


class UsualPlanForm(forms.Form):
    """The numbers that a plan is worked out from."""

    first = forms.IntegerField(
        label=_("Emails on the first day"),
        min_value=1,
        max_value=warm_up.MOST,
        initial=warm_up.FIRST_DAY,
    )
    growth = forms.IntegerField(
        label=_("More each day, in percent"), min_value=0, max_value=200, initial=warm_up.GROWTH
    )
    days = forms.IntegerField(
        label=_("Days"), min_value=1, max_value=warm_up.MOST_DAYS, initial=warm_up.DAYS
    )
