"""What proves that a provider's events are its own."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery.events.webhooks import checking
from delivery.events.webhooks.steps import Guide
from delivery.states import Provider


class SigningKeyForm(forms.Form):
    """A provider's signing key. It is written only: it never comes back to a page."""

    signing_key = forms.CharField(
        label=_("Signing key"),
        max_length=2_000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    url = forms.URLField(
        label=_("Address as entered at Mandrill"),
        help_text=_("Only if it is not the one above: Mandrill signs the address as well."),
        required=False,
        max_length=500,
    )

    def __init__(self, *args: Any, provider: str, guide: Guide, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider = provider
        self.fields["signing_key"].label = guide.key
        self.fields["signing_key"].help_text = guide.key_help
        if provider == Provider.POSTAL:
            self.fields["signing_key"].widget = forms.Textarea(attrs={"rows": 4})
        if provider != Provider.MANDRILL:
            del self.fields["url"]

    def clean_signing_key(self) -> str:
        """Refuse what can be no key before the first event has to."""
        key = str(self.cleaned_data["signing_key"])
        if not checking.is_key(self.provider, key):
            raise forms.ValidationError(
                _("This is no key of this kind. Copy it again, whole, from the provider's page.")
            )
        return key
