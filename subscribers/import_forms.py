"""Forms of the import wizard."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers.models import MailingList
from subscribers.states import SubscriptionStatus


class UploadForm(forms.Form):
    """A file, or pasted text."""

    file = forms.FileField(
        label=_("File"), required=False, help_text=_("CSV, TSV or XLSX, in any encoding.")
    )
    text = forms.CharField(
        label=_("Or paste rows"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "email,first_name,city"}),
        max_length=4_000_000,
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        """Ask for one of them."""
        cleaned = super().clean() or {}
        if not cleaned.get("file") and not (cleaned.get("text") or "").strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste some rows."))
        return cleaned


class ConsentForm(forms.Form):
    """Where imported people go, and what they agreed to."""

    list = forms.ModelChoiceField(
        MailingList.objects.none(), label=_("List"), empty_label=_("Choose a list")
    )
    status = forms.ChoiceField(
        label=_("They are"),
        choices=[
            (SubscriptionStatus.SUBSCRIBED, _("Subscribed: they agreed to hear from us")),
            (SubscriptionStatus.UNCONFIRMED, _("Unconfirmed: they still have to confirm")),
        ],
        widget=forms.RadioSelect,
        initial=SubscriptionStatus.SUBSCRIBED,
    )
    statement = forms.CharField(
        label=_("How did they agree?"),
        help_text=_("Kept with every person as the proof of their consent."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    existing = forms.ChoiceField(
        label=_("People we know already"),
        choices=[
            ("overwrite", _("Update them; an empty cell erases nothing")),
            ("fill", _("Fill empty fields only")),
        ],
        widget=forms.RadioSelect,
        initial="overwrite",
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        """Offer the workspace's own lists."""
        super().__init__(*args, **kwargs)
        self.fields["list"].queryset = workspace.lists.filter(archived_at=None)  # type: ignore[attr-defined]
