"""The form of a sending account, with its limits by mailbox provider."""

import ipaddress
import re
from email.utils import parseaddr
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery import secrets
from delivery.accounts import FROM_SETTINGS
from delivery.models import DomainLimit, SendingAccount
from delivery.states import TlsMode, TransportKind
from delivery.transports.choose import is_own_machine
from subscribers.states import DomainGroup

DOMAIN = re.compile(r"^(?=.{1,253}$)([a-z0-9](-*[a-z0-9])*\.)+[a-z0-9](-*[a-z0-9])*$")
# Whom to send through is the administrator's choice, machines of their own network included. What
# can never be right is refused: ports of other well-known services, and addresses that only exist
# on one cable or inside a cloud's machine room (RFC 3927, 4291 §2.5.6).
OTHER_SERVICES = frozenset({22, 53, 80, 110, 143, 443, 993, 995, 3306, 5432, 6379})
HOST = re.compile(r"^[A-Za-z0-9.:-]{1,255}$")
# A stored password was given for one server and one way to it. Whoever names another one has to
# know it: else a change of the host would hand it to anybody's server.
WHERE_PASSWORDS_GO = ("host", "port", "tls", "verify_certificate", "username")
# What SMTP_URL and DEFAULT_FROM say is changed there, by whoever runs the installation.
SAID_BY_SETTINGS = ("name", *WHERE_PASSWORDS_GO, "password", "default_from")


def is_link_local(host: str) -> bool:
    """Say whether this is a link-local address, like that of a cloud's metadata."""
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False


class SendingAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for mypy
    """An SMTP server. The password is written only: it never comes back to a page."""

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    from_domains = forms.CharField(
        label=_("Sender domains"),
        required=False,
        help_text=_(
            "Campaigns from addresses in these domains use this account. Separate them by commas; "
            "empty: any domain."
        ),
    )

    class Meta:
        model = SendingAccount
        fields: ClassVar = [
            "name",
            "host",
            "port",
            "tls",
            "verify_certificate",
            "username",
            "password",
            "default_from",
            "from_domains",
            "max_connections",
            "messages_per_connection",
            "per_second",
            "per_minute",
            "per_hour",
            "per_day",
        ]
        help_texts: ClassVar = {
            "tls": _("Port 587 usually wants STARTTLS, port 465 TLS from the start."),
            "verify_certificate": _("Switch it off only for a server of your own."),
            "default_from": _("Name <address>; mails of Warta itself come from it."),
            "max_connections": _("Most servers allow 5 to 20."),
            "per_second": _("Empty: no limit. Your provider's terms say what it allows."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.instance
        self.fields["host"].required = True
        self.fields["per_second"].label = _("Mails per second")
        self.initial["from_domains"] = ", ".join(account.from_domains)
        if account.pk and account.encrypted_password:
            self.fields["password"].help_text = _(
                "Empty: the password stays as it is. For another server or user name it is "
                "entered again."
            )
        if self.is_from_settings:
            for name in SAID_BY_SETTINGS:
                self.fields[name].disabled = True
        if account.kind == TransportKind.SANDBOX:
            for name in set(self.fields) - {"name"}:
                del self.fields[name]
        self.limits = self._limit_fields() if account.kind != TransportKind.SANDBOX else []

    @property
    def is_from_settings(self) -> bool:
        """Whether SMTP_URL made this account."""
        return bool(self.instance.pk and self.initial.get("name") == FROM_SETTINGS)

    def _limit_fields(self) -> list[str]:
        stored: dict[int, int | None] = {}
        if self.instance.pk:
            rows = DomainLimit.objects.filter(account=self.instance)
            stored = dict(rows.values_list("domain_group", "per_minute"))
        names = []
        for group in DomainGroup:
            name = f"limit_{group.value}"
            self.fields[name] = forms.IntegerField(
                label=group.label,
                required=False,
                min_value=1,
                max_value=10_000_000,
                initial=stored.get(group.value),
            )
            names.append(name)
        return names

    def clean(self) -> dict[str, Any]:
        """Keep passwords to the server they were given for, and off unprotected lines."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "host" not in self.fields or self.is_from_settings:
            return cleaned
        given = cleaned.get("password")
        is_kept = self.instance.encrypted_password and cleaned.get("username") and not given
        if is_kept and not set(WHERE_PASSWORDS_GO).isdisjoint(self.changed_data):
            self.add_error(
                "password",
                _("Enter the password again: it was stored for another server or user name."),
            )
        plain = cleaned.get("tls") == TlsMode.NONE and not is_own_machine(cleaned.get("host", ""))
        if plain and (cleaned.get("username") or given):
            self.add_error(
                "tls",
                _("Without TLS everybody on the way could read the password. Choose STARTTLS."),
            )
        return cleaned

    def clean_name(self) -> str:
        """Keep the name by which the account of the settings is known."""
        name = str(self.cleaned_data["name"])
        if name == FROM_SETTINGS and not self.is_from_settings:
            raise forms.ValidationError(_("The settings use this name. Choose another one."))
        return name

    def clean_host(self) -> str:
        """Accept a name or an address, nothing with blanks, slashes or line ends."""
        host = str(self.cleaned_data["host"]).strip()
        if not HOST.match(host):
            raise forms.ValidationError(_("Write the server's name, like smtp.example.com."))
        if is_link_local(host):
            raise forms.ValidationError(
                _("No mail server has such an address. Write its name, like smtp.example.com.")
            )
        return host

    def clean_port(self) -> int:
        """Accept a TCP port."""
        port = int(self.cleaned_data["port"])
        if not 1 <= port <= 65535:  # noqa: PLR2004 - TCP's range
            raise forms.ValidationError(_("A port is a number from 1 to 65535."))
        if port in OTHER_SERVICES:
            raise forms.ValidationError(
                _("Port %(port)s is not for sending mail. Most providers use 587 or 465."),
                params={"port": port},
            )
        return port

    def clean_default_from(self) -> str:
        """Accept nothing, an address, or a name with an address."""
        given = str(self.cleaned_data["default_from"]).strip()
        address = parseaddr(given)[1]
        if given and not ("@" in address.strip("@") and given.isprintable()):
            raise forms.ValidationError(_("Write it like Kopi Senja <news@example.com>."))
        return given

    def clean_from_domains(self) -> list[str]:
        """Split and check the domains."""
        words = re.split(r"[\s,;]+", str(self.cleaned_data["from_domains"]).lower())
        domains = [word.lstrip("@") for word in words if word]
        for domain in domains:
            if not DOMAIN.match(domain):
                raise forms.ValidationError(
                    _("“%(domain)s” is not a domain. Write it like example.com."),
                    params={"domain": domain[:100]},
                )
        return list(dict.fromkeys(domains))

    def clean_max_connections(self) -> int:
        """At least one, and not more than a server would bear."""
        number = int(self.cleaned_data["max_connections"])
        if not 1 <= number <= 100:  # noqa: PLR2004
            raise forms.ValidationError(_("Choose from 1 to 100 connections."))
        return number

    def save(self, commit: bool = True) -> SendingAccount:  # noqa: FBT001, FBT002 - Django's signature
        """Save; a new password is encrypted, changed settings get the breaker's fresh chance."""
        account: SendingAccount = super().save(commit=False)
        if self.cleaned_data.get("password"):
            account.encrypted_password = secrets.encrypt(self.cleaned_data["password"])
        elif not account.username:
            account.encrypted_password = b""  # nobody signs in with it any more
        if self.changed_data:
            account.broken_since, account.broken_reason, account.retry_at = None, "", None
            account.trouble_count = 0
        if commit:
            account.save()
            self._save_limits(account)
        return account

    def _save_limits(self, account: SendingAccount) -> None:
        for name in self.limits:
            group, value = int(name.removeprefix("limit_")), self.cleaned_data.get(name)
            if value:
                DomainLimit.objects.update_or_create(
                    account=account, domain_group=group, defaults={"per_minute": value}
                )
            else:
                DomainLimit.objects.filter(
                    account=account, domain_group=group, connections=None
                ).delete()
