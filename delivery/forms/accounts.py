"""What every sending account is asked, whatever carries its mail, and its limits."""

import re
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.input import senders
from delivery.models import DomainLimit, SendingAccount
from subscribers.states import DomainGroup

DOMAIN = re.compile(r"^(?=.{1,253}$)([a-z0-9](-*[a-z0-9])*\.)+[a-z0-9](-*[a-z0-9])*$")
MOST: Final = 10_000_000


def read_domains(text: str) -> list[str]:
    """Split and check domains.

    Raises:
        ValidationError: a word is not a domain.
    """
    words = re.split(r"[\s,;]+", text.lower())
    domains = [word.lstrip("@") for word in words if word]
    for domain in domains:
        if not DOMAIN.match(domain):
            raise forms.ValidationError(
                _("“%(domain)s” is not a domain. Write it like example.com."),
                params={"domain": domain[:100]},
            )
    return list(dict.fromkeys(domains))


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for mypy
    """Name, sender, and limits: for all mail, and towards single mailbox providers."""

    from_domains = forms.CharField(
        label=_("Sender domains"),
        required=False,
        help_text=_(
            "Campaigns from addresses in these domains use this account. Separate them by commas; "
            "empty: any domain."
        ),
    )
    # What a new account of this kind begins with, by mailbox provider.
    usual_connections: ClassVar[dict[int, int]] = {}

    class Meta:
        model = SendingAccount
        fields: ClassVar = [
            "name",
            "default_from",
            "from_domains",
            "max_connections",
            "per_second",
            "per_minute",
            "per_hour",
            "per_day",
        ]
        help_texts: ClassVar = {
            "default_from": _("Name <address>; emails of Warta itself come from it."),
            "per_second": _("Empty: no limit. Your provider's terms say what it allows."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["per_second"].label = _("Emails per second")
        self.initial["from_domains"] = ", ".join(self.instance.from_domains)
        self.lanes = self._lane_fields()

    def _lane_fields(self) -> list[tuple[str, str, str]]:
        """Add two fields for each mailbox provider; return label and names."""
        stored: dict[int, tuple[int | None, int | None]] = {
            group: (None, most) for group, most in self.usual_connections.items()
        }
        if self.instance.pk:
            rows = DomainLimit.objects.filter(account=self.instance)
            stored = {row.domain_group: (row.per_minute, row.connections) for row in rows}
        lanes = []
        for group in DomainGroup:
            rate, most = stored.get(group.value, (None, None))
            names = f"limit_{group.value}", f"lanes_{group.value}"
            self.fields[names[0]] = forms.IntegerField(
                label=_("%(provider)s: emails per minute") % {"provider": group.label},
                required=False,
                min_value=1,
                max_value=MOST,
                initial=rate,
            )
            self.fields[names[1]] = forms.IntegerField(
                label=_("%(provider)s: connections at once") % {"provider": group.label},
                required=False,
                min_value=1,
                max_value=100,
                initial=most,
            )
            lanes.append((str(group.label), *names))
        return lanes

    def clean_default_from(self) -> str:
        """Accept nothing, an address, or a name with an address."""
        given = str(self.cleaned_data["default_from"]).strip()
        try:
            return str(senders.understand(given)) if given else ""
        except senders.SenderError as error:
            raise forms.ValidationError(
                _("Write it like Kopi Senja <news@example.com>.")
            ) from error

    def clean_from_domains(self) -> list[str]:
        """Split and check the domains."""
        return read_domains(str(self.cleaned_data["from_domains"]))

    def clean_max_connections(self) -> int:
        """At least one, and not more than a server would bear."""
        number = int(self.cleaned_data["max_connections"])
        if not 1 <= number <= 100:  # noqa: PLR2004
            raise forms.ValidationError(_("Choose from 1 to 100 connections."))
        return number

    def start_anew(self, account: SendingAccount) -> None:
        """Give changed settings the breaker's fresh chance."""
        if self.changed_data:
            account.broken_since, account.broken_reason, account.retry_at = None, "", None
            account.trouble_count = 0

    def save_lanes(self, account: SendingAccount) -> None:
        """Keep the limits towards mailbox providers; a row without any is taken away."""
        kept = []
        for _label, rate, most in self.lanes:
            group = int(rate.removeprefix("limit_"))
            values = {
                "per_minute": self.cleaned_data.get(rate),
                "connections": self.cleaned_data.get(most),
            }
            if any(values.values()):
                DomainLimit.objects.update_or_create(
                    account=account, domain_group=group, defaults=values
                )
                kept.append(group)
        DomainLimit.objects.filter(account=account).exclude(domain_group__in=kept).delete()
