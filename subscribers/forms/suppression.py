"""Adding to the suppression list, and taking off it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from subscribers.forms.migrate_from import REASONS
from subscribers.states import SuppressionReason

# These people said so themselves, to us or to their provider; only they can take it back.
GRAVE = frozenset({SuppressionReason.COMPLAINED, SuppressionReason.ERASED})


class SuppressForm(forms.Form):
    """Addresses that must not be written to any more."""

    addresses = forms.CharField(
        label=_("Addresses"),
        max_length=1_000_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, or separated by commas; as many as you like."),
    )
    reason = forms.ChoiceField(
        label=_("Reason"), choices=REASONS, initial=SuppressionReason.MANUAL, required=False
    )
    detail = forms.CharField(
        label=_("Why"), required=False, max_length=300, help_text=_("For yourself and your team.")
    )


class ReleaseForm(forms.Form):
    """A word more before an address that complained, or was erased, is written to again."""

    sure = forms.BooleanField(label=_("This person asked us to write to them again"))

    def __init__(self, *args: Any, reason: str, **kwargs: Any) -> None:
        """Ask only where it is grave."""
        super().__init__(*args, **kwargs)
        if reason not in GRAVE:
            del self.fields["sure"]
