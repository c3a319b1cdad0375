"""When bounces stop mail to an address, and for whom they never do."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from delivery.bounce_policy import rules, runs
from delivery.models import BounceException, BouncePolicy
from subscribers.fields.problems import Problem


class BouncePolicyForm(forms.ModelForm[BouncePolicy]):
    """The numbers; ``suppress_now`` and ``release_now`` do at once what a trial has shown."""

    suppress_now = forms.BooleanField(label=_("Suppress them when I save"), required=False)
    release_now = forms.BooleanField(label=_("Release them when I save"), required=False)

    class Meta:
        model = BouncePolicy
        fields = (
            "suppress_hard",
            "suppress_soft",
            "soft_count",
            "soft_days",
            "inactive_count",
            "guard",
            "guard_least",
            "guard_percent",
            "guard_hours",
        )
        help_texts = {
            "suppress_soft": _("A full mailbox, or trouble that does not pass."),
            "soft_count": _("With no email between that arrived."),
            "guard": _("Nobody is suppressed then until you have decided, and emails wait."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask for no more bounces in a row than are looked at."""
        super().__init__(*args, **kwargs)
        for name in ("soft_count", "inactive_count"):
            self.fields[name].widget.attrs["max"] = runs.LOOKED_AT

    def clean_soft_count(self) -> int:
        """Refuse what would never come about."""
        return self._bounded("soft_count")

    def clean_inactive_count(self) -> int:
        """Refuse what would never come about."""
        return self._bounded("inactive_count")

    def _bounded(self, name: str) -> int:
        number = int(self.cleaned_data[name])
        if number > runs.LOOKED_AT:
            text = _("At most %(most)s: so many of a person's newest emails are looked at.")
            raise forms.ValidationError(text, params={"most": runs.LOOKED_AT})
        return number


class ExceptionForm(forms.Form):
    """One address or domain more that bounces never suppress."""

    value = forms.CharField(
        label=_("Address or domain"),
        max_length=320,
        help_text=_("For example nina@example.org, or example.org for everybody there."),
    )
    note = forms.CharField(label=_("Why"), max_length=200, required=False)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        """Remember whose exceptions these are."""
        super().__init__(*args, **kwargs)
        self._workspace = workspace

    def clean_value(self) -> str:
        """Read an address's key or a domain."""
        try:
            value = rules.read(self.cleaned_data["value"])
        except Problem as problem:
            raise forms.ValidationError(f"{problem.message}. {problem.way_out}.") from problem
        if self._known().count() >= rules.MOST_EXCEPTIONS:
            text = _("There are %(most)s exceptions already. Remove some first.")
            raise forms.ValidationError(text, params={"most": rules.MOST_EXCEPTIONS})
        return value

    def _known(self) -> Any:
        return BounceException.objects.filter(workspace=self._workspace)

    def save(self, by: User) -> None:
        """Keep it; the same once more changes its note."""
        BounceException.objects.update_or_create(
            workspace=self._workspace,
            value=self.cleaned_data["value"],
            defaults={"note": self.cleaned_data["note"], "created_by": by},
        )
