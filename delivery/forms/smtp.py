"""The form of an SMTP server, and of the sandbox."""

import re
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.installation import secrets
from delivery.forms.accounts import AccountForm, read_domains
from delivery.limits.throttle import USUAL_CONNECTIONS
from delivery.models import FROM_SETTINGS, SendingAccount
from delivery.states import TlsMode, TransportKind
from delivery.transports import reach
from delivery.transports.choose import is_own_machine

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


class SmtpForm(AccountForm):
    """An SMTP server. The password is written only: it never comes back to a page."""

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    idle_seconds = forms.IntegerField(
        label=_("Seconds to keep an idle connection"),
        required=False,
        min_value=1,
        max_value=600,
        help_text=_("Servers hang up after some minutes by themselves."),
    )
    verp = forms.BooleanField(
        label=_("Give every email a return address of its own"),
        required=False,
        help_text=_(
            "Bounces then come back to bounce+…@ the domain below and name the email they are "
            "about. Connect the mailbox of that domain under “Bounce mailboxes”."
        ),
    )
    usual_connections = USUAL_CONNECTIONS

    class Meta(AccountForm.Meta):
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
            "idle_seconds",
            "verp",
            "return_path_domain",
            "per_second",
            "per_minute",
            "per_hour",
            "per_day",
        ]
        help_texts: ClassVar = {
            **AccountForm.Meta.help_texts,
            "tls": _("Port 587 usually wants STARTTLS, port 465 TLS from the start."),
            "verify_certificate": _("Switch it off only for a server of your own."),
            "max_connections": _("Most servers allow 5 to 20."),
            "messages_per_connection": _("Then a new one is opened. Gmail and Outlook like 50."),
            "return_path_domain": _(
                "Like bounce.example.com. Its MX must lead to where bounces are read, and its SPF "
                "record must name this server; at best it is a part of the sender's domain."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.instance
        self.fields["host"].required = True
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
            self.lanes = []

    @property
    def is_from_settings(self) -> bool:
        """Whether SMTP_URL made this account."""
        return bool(self.instance.pk and self.initial.get("name") == FROM_SETTINGS)

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

    def clean_idle_seconds(self) -> int:
        """Leave what is not said as it is."""
        return int(self.cleaned_data["idle_seconds"] or self.instance.idle_seconds)

    def clean_return_path_domain(self) -> str:
        """Accept nothing or one domain; a return address for each mail needs one."""
        domains = read_domains(str(self.cleaned_data["return_path_domain"]))
        if len(domains) > 1:
            raise forms.ValidationError(_("Write one domain."))
        if self.cleaned_data.get("verp") and not domains:
            raise forms.ValidationError(_("Name the domain that bounces come back to."))
        return domains[0] if domains else ""

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
        address = reach.address_of(host)
        if address is not None and not reach.may_be_mail_server(address):
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

    def save(self, commit: bool = True) -> SendingAccount:  # noqa: FBT001, FBT002 - Django's signature
        """Save; a new password is encrypted, changed settings get the breaker's fresh chance."""
        account: SendingAccount = super().save(commit=False)
        if self.cleaned_data.get("password"):
            account.encrypted_password = secrets.encrypt(self.cleaned_data["password"])
        elif not account.username:
            account.encrypted_password = b""  # nobody signs in with it any more
        self.start_anew(account)
        if commit:
            account.save()
            self.save_lanes(account)
        return account
