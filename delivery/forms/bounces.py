"""The forms of a bounce mailbox, and of what a person says a returned mail is."""

import json
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.installation import secrets
from delivery.bounces import pipes, words
from delivery.bounces.mailboxes import holding
from delivery.forms.smtp import HOST
from delivery.models import BounceMailbox, ReturnedMail, SendingAccount
from delivery.states import AfterReading, MailboxAuth, MailboxProtocol, TlsMode, Verdict
from delivery.transports import reach
from delivery.transports.choose import is_own_machine
from delivery.transports.providers.session import is_own
from subscribers.models import Subscriber

# What listens at these ports is no mailbox.
OTHER_SERVICES = frozenset({22, 25, 53, 80, 443, 465, 587, 3306, 5432, 6379})
PORTS = {
    (MailboxProtocol.IMAP, TlsMode.IMPLICIT): 993,
    (MailboxProtocol.IMAP, TlsMode.STARTTLS): 143,
    (MailboxProtocol.POP3, TlsMode.IMPLICIT): 995,
    (MailboxProtocol.POP3, TlsMode.STARTTLS): 110,
}
# A stored password was given for one server and one way to it; see `forms.smtp`.
WHERE_PASSWORDS_GO = frozenset(
    {"host", "port", "tls", "verify_certificate", "auth", "username", "client_id", "token_url"}
)
# With one of these it is another folder, or its mails are to be treated otherwise.
READ_ANEW = frozenset({"host", "port", "username", "folder", "after", "move_to"})


def _secret(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        max_length=8_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PipeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for mypy
    """An address that takes mails by HTTP: its name, and whose bounces they are."""

    class Meta:
        model = BounceMailbox
        fields: ClassVar = ["name", "account"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["account"]
        field.queryset = SendingAccount.objects.filter(workspace=self.instance.workspace_id)
        field.empty_label = _("All accounts (catch-all)")

    def clean_name(self) -> str:
        """Keep names apart."""
        name = str(self.cleaned_data["name"])
        same = BounceMailbox.objects.filter(workspace=self.instance.workspace_id, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is another one of this name. Choose another."))
        return name

    def save(self, commit: bool = True) -> BounceMailbox:  # noqa: FBT001, FBT002 - Django's signature
        """Save; a new one gets its address."""
        mailbox: BounceMailbox = super().save(commit=False)
        if not mailbox.address_hash:
            pipes.renew(mailbox)
        if commit:
            mailbox.save()
        return mailbox


class MailboxForm(PipeForm):
    """An IMAP or POP3 mailbox. What is secret is written only: it never comes back to a page."""

    password = _secret(_("Password"))
    client_secret = _secret(_("Client secret"))
    refresh_token = _secret(_("Refresh token"))
    is_unprotected = forms.BooleanField(
        label=_("Send the password without TLS"),
        required=False,
        help_text=_(
            "Everybody between here and the server can read it. Only for your own network."
        ),
    )

    class Meta(PipeForm.Meta):
        fields: ClassVar = [
            *PipeForm.Meta.fields,
            "host",
            "port",
            "tls",
            "verify_certificate",
            "auth",
            "username",
            "client_id",
            "token_url",
            "scope",
            "folder",
            "after",
            "move_to",
        ]
        help_texts: ClassVar = {
            "verify_certificate": _("Switch it off only for a server of your own."),
            "token_url": _(
                "Google: https://oauth2.googleapis.com/token. Microsoft: "
                "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token."
            ),
            "scope": _("Google: leave it empty. Microsoft: see the documentation."),
            "move_to": _("It is made if it is not there."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mailbox = self.instance
        self.fields["host"].required = self.fields["username"].required = True
        self.fields["auth"].help_text = _("Gmail and Microsoft 365 need OAuth or an app password.")
        if mailbox.pk and mailbox.encrypted_secret:
            kept = _(
                "Empty: it stays as it is. For another server or user name it is entered again."
            )
            for name in ("password", "refresh_token"):
                self.fields[name].help_text = kept
        self.initial["is_unprotected"] = bool(mailbox.pk) and mailbox.tls == TlsMode.NONE
        if mailbox.protocol == MailboxProtocol.POP3:
            del self.fields["folder"], self.fields["move_to"]
            after: Any = self.fields["after"]
            after.choices = [one for one in AfterReading.choices if one[0] != AfterReading.MOVE]

    def clean_host(self) -> str:
        """Accept a name or an address of a mail server."""
        host = str(self.cleaned_data["host"]).strip()
        if not HOST.match(host):
            raise forms.ValidationError(_("Write the server's name, like imap.example.com."))
        address = reach.address_of(host)
        if address is not None and not reach.may_be_mail_server(address):
            raise forms.ValidationError(
                _("No mail server has such an address. Write its name, like imap.example.com.")
            )
        return host

    def clean_port(self) -> int:
        """Accept a TCP port on which no other well-known service listens."""
        port = int(self.cleaned_data["port"])
        if not 1 <= port <= 65535:  # noqa: PLR2004 - TCP's range
            raise forms.ValidationError(_("A port is a number from 1 to 65535."))
        if port in OTHER_SERVICES:
            raise forms.ValidationError(
                _("Port %(port)s is not for reading mail. IMAP usually uses 993, POP3 995."),
                params={"port": port},
            )
        return port

    def clean_username(self) -> str:
        """Refuse what would end the line of a command."""
        return _one_line(str(self.cleaned_data["username"]))

    def clean_password(self) -> str:
        """Refuse what would end the line of a command."""
        return _one_line(str(self.cleaned_data["password"]))

    def clean_folder(self) -> str:
        """Read the inbox where nothing else is said."""
        return _one_line(str(self.cleaned_data["folder"]).strip()) or "INBOX"

    def clean_move_to(self) -> str:
        """Refuse line ends."""
        return _one_line(str(self.cleaned_data["move_to"]).strip())

    def clean_token_url(self) -> str:
        """Accept an https address, or http of a provider of one's own."""
        given = str(self.cleaned_data["token_url"]).strip()
        if not given:
            return ""
        try:
            parts = urlsplit(given)
            host = parts.hostname or ""
        except ValueError:
            raise forms.ValidationError(_("This is not an address.")) from None
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_own(host))
        if not is_safe or not host or parts.username or not given.isprintable():
            raise forms.ValidationError(_("Write an address that begins with https://."))
        return given

    def clean(self) -> dict[str, Any]:
        """Keep secrets to the server they were given for, and off unprotected lines."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_secrets(cleaned)
        plain = cleaned.get("tls") == TlsMode.NONE and not is_own_machine(cleaned.get("host", ""))
        if plain and not cleaned.get("is_unprotected"):
            self.add_error(
                "tls",
                _(
                    "Without TLS everybody on the way could read the password. Choose TLS, or tick "
                    "“Send the password without TLS”."
                ),
            )
        if cleaned.get("after") == AfterReading.MOVE:
            if not cleaned.get("move_to"):
                self.add_error("move_to", _("Name the folder that emails are moved to."))
            elif cleaned["move_to"] == cleaned.get("folder"):
                self.add_error("move_to", _("Choose another folder than the one that is read."))
        return cleaned

    def _check_secrets(self, cleaned: dict[str, Any]) -> None:
        is_oauth = cleaned.get("auth") == MailboxAuth.XOAUTH2
        name = "refresh_token" if is_oauth else "password"
        if is_oauth:
            for field in ("client_id", "token_url"):
                if not cleaned.get(field) and field not in self.errors:
                    self.add_error(field, _("OAuth needs this."))
        if cleaned.get(name) or name in self.errors:
            return
        if not self.instance.encrypted_secret:
            self.add_error(name, _("This is required."))
        elif not WHERE_PASSWORDS_GO.isdisjoint(self.changed_data):
            self.add_error(
                name, _("Enter it again: it was stored for another server or user name.")
            )

    def save(self, commit: bool = True) -> BounceMailbox:  # noqa: FBT001, FBT002 - Django's signature
        """Save; a new secret is encrypted, changed settings get a fresh chance."""
        mailbox: BounceMailbox = forms.ModelForm.save(self, commit=False)
        cleaned = self.cleaned_data
        if mailbox.auth == MailboxAuth.XOAUTH2 and cleaned.get("refresh_token"):
            stored = {name: cleaned.get(name, "") for name in ("client_secret", "refresh_token")}
            mailbox.encrypted_secret = secrets.encrypt(json.dumps(stored))
            mailbox.encrypted_token, mailbox.token_until = b"", None
        elif mailbox.auth == MailboxAuth.PASSWORD and cleaned.get("password"):
            mailbox.encrypted_secret = secrets.encrypt(cleaned["password"])
        if self.changed_data:
            is_another = not READ_ANEW.isdisjoint(self.changed_data)
            holding.start_anew(mailbox, is_another=is_another)
        if commit:
            mailbox.save()
        return mailbox


class TeachForm(forms.Form):
    """What a mail is, whom it is about, and whether others like it mean the same."""

    verdict = forms.ChoiceField(
        label=_("What is it?"), choices=Verdict.choices, widget=forms.RadioSelect
    )
    recipient = forms.EmailField(
        label=_("Who is it about?"),
        required=False,
        max_length=320,
        help_text=_("The address that your email went to."),
    )
    words = forms.CharField(
        label=_("Words that all such emails contain"),
        required=False,
        max_length=200,
        help_text=_(
            "Leave it empty to decide about this email alone. With words, later emails that "
            "contain them and that the rules don't recognise mean the same."
        ),
    )

    def __init__(self, *args: Any, mail: ReturnedMail, is_proven: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mail = mail
        self.is_proven = is_proven

    def clean_recipient(self) -> str:
        """Accept the address of a subscriber."""
        given = str(self.cleaned_data["recipient"]).strip()
        if given and not self._knows(given):
            raise forms.ValidationError(_("Nobody with this address is in this workspace."))
        return given

    def clean_words(self) -> str:
        """Accept words that stand in this mail, and not in any mail."""
        given = " ".join(str(self.cleaned_data["words"]).split())
        if not given:
            return ""
        if len(given) < words.SHORTEST:
            raise forms.ValidationError(
                _("Write at least %(n)s characters, so that not just any email contains them."),
                params={"n": words.SHORTEST},
            )
        if not words.stand_in(given, self.mail):
            raise forms.ValidationError(_("These words do not stand in this email."))
        return given

    def clean(self) -> dict[str, Any]:
        """Ask whom it is about where nothing else says it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needs = cleaned.get("verdict") not in {None, Verdict.NO_BOUNCE.value}
        if needs and not self.is_proven and not cleaned.get("recipient"):
            self.add_error("recipient", _("Write the address that your email went to."))
        return cleaned

    def _knows(self, address: str) -> bool:
        people = Subscriber.objects.filter(
            workspace=self.mail.workspace_id, email_key=address.lower()
        )
        return people.exists()


def _one_line(text: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004 - ASCII's
        raise forms.ValidationError(_("This holds a line break or another control character."))
    return text
