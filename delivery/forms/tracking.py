"""The form of a workspace's tracking: how much is kept, and its own domain for links."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.models import WorkspaceTracking
from campaigns.states import TrackingMode
from delivery.forms.accounts import DOMAIN
from delivery.tracking import domain as domains


class TrackingForm(forms.ModelForm[WorkspaceTracking]):
    """Mode, consent, hidden link, domain."""

    mode = forms.ChoiceField(
        label=_("Tracking"),
        choices=TrackingMode.choices,
        widget=forms.RadioSelect,
        help_text=_("A campaign can choose otherwise."),
    )

    class Meta:
        model = WorkspaceTracking
        fields = ("mode", "needs_consent", "hidden_link", "domain")
        help_texts = {
            "domain": _(
                "A name of yours, such as click.example.com, that links and pixels begin with. "
                "Empty: the address of this installation."
            )
        }

    def clean_domain(self) -> str:
        """Accept one domain that is not the installation's own."""
        given = str(self.cleaned_data["domain"]).strip().lower().rstrip(".")
        if not given:
            return ""
        try:
            domain = given.encode("idna").decode()
        except UnicodeError:
            domain = ""
        if not DOMAIN.match(domain):
            raise forms.ValidationError(_("This is not a domain. Write it like click.example.com."))
        if domain == domains.home() or domain in settings.ALLOWED_HOSTS:
            raise forms.ValidationError(
                _("That is this installation's own address. Choose another name.")
            )
        return domain

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Save; another domain has to be looked at anew."""
        if "domain" in self.changed_data:
            self.instance.domain_works_since = self.instance.domain_checked_at = None
        return super().save(commit)
