"""The form that makes signing keys."""

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery.forms.accounts import DOMAIN
from delivery.states import DkimAlgorithm


class KeyForm(forms.Form):
    """For which domain, and of which kind."""

    domain = forms.CharField(
        label=_("Sender domain"),
        max_length=253,
        help_text=_("The part after the @ of your sender's address."),
    )
    algorithms = forms.MultipleChoiceField(
        label=_("Kinds of key"),
        choices=DkimAlgorithm.choices,
        initial=[DkimAlgorithm.RSA],
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Every receiver reads RSA. Ed25519 is shorter and newer; beside RSA it does no harm, "
            "alone some receivers would see no signature."
        ),
    )

    def clean_domain(self) -> str:
        """Accept one domain, in the letters that the DNS has."""
        given = str(self.cleaned_data["domain"]).strip().lower().rpartition("@")[2]
        try:
            domain = given.encode("idna").decode()
        except UnicodeError:
            domain = ""
        if not DOMAIN.match(domain):
            raise forms.ValidationError(_("This is not a domain. Write it like example.com."))
        return domain
