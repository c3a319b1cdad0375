"""The form of a workspace's tracking: how much is kept, and its own domain for links."""

from ipaddress import ip_address
from typing import Any

from django import forms
from django.conf import settings
from django.http.request import split_domain_port
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

    def __init__(self, *args: Any, host: str = "", **kwargs: Any) -> None:
        """Take the host that the request was for: people open the installation under it."""
        super().__init__(*args, **kwargs)
        self._host = split_domain_port(host)[0]

    def clean_domain(self) -> str:
        """Accept one domain that is not the installation's own.

        Under a tracking domain nobody can sign in, so a wrong one would lock everybody out.
        """
        given = str(self.cleaned_data["domain"]).strip().lower().rstrip(".")
        if not given:
            return ""
        try:
            domain = given.encode("idna").decode()
        except UnicodeError:
            domain = ""
        if not DOMAIN.match(domain):
            raise forms.ValidationError(_("This is not a domain. Write it like click.example.com."))
        if "*" in settings.ALLOWED_HOSTS and not _knows_its_name():
            raise forms.ValidationError(
                _(
                    "Warta answers to any name and does not know its own. Set SITE_URL to the "
                    "address where people open it, restart it, then choose a tracking domain."
                )
            )
        if domain == self._host or domains.is_ours(domain):
            raise forms.ValidationError(
                _("That is this installation's own address. Choose another name.")
            )
        return domain

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Save; another domain has to be looked at anew."""
        if "domain" in self.changed_data:
            self.instance.domain_works_since = self.instance.domain_checked_at = None
        return super().save(commit)


def _knows_its_name() -> bool:
    """Whether somebody told the installation under what name people open it."""
    if settings.SITE_URL.removeprefix("http://") == f"{settings.HOST}:{settings.PORT}":
        return False  # made of where it listens
    name = domains.home()
    try:
        ip_address(name)
    except ValueError:
        return bool(DOMAIN.match(name))
    return False
