"""The form of a provider's API: it asks what that provider needs, and nothing else."""

import json
import re
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.installation import secrets
from delivery.forms.accounts import AccountForm
from delivery.models import SendingAccount
from delivery.transports.providers.catalogue import Setting, spec_of


class ProviderForm(AccountForm):
    """An account at a provider. Keys are written only: they never come back to a page."""

    class Meta(AccountForm.Meta):
        help_texts: ClassVar = {
            **AccountForm.Meta.help_texts,
            "max_connections": _("How many requests are open at once, over all workers."),
        }
        labels: ClassVar = {"max_connections": _("Requests at once")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.instance
        self.spec = spec_of(account.provider)
        self.has_keys = bool(account.pk and account.encrypted_password)
        if not account.pk:
            self.initial.setdefault("name", account.get_provider_display())
            self.initial["name"] = self.initial["name"] or account.get_provider_display()
            self.initial["per_second"] = self.spec.per_second
        self.own_fields = [self._add(setting) for setting in self.spec.settings]

    def _add(self, setting: Setting) -> str:
        name = f"provider_{setting.name}"
        label, help_text = setting.label, setting.help
        field: forms.Field
        if setting.choices:
            field = forms.ChoiceField(label=label, help_text=help_text, choices=setting.choices)
        elif setting.is_secret:
            field = forms.CharField(
                label=label,
                required=not self.has_keys,
                help_text=_("Empty: it stays as it is.") if self.has_keys else help_text,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            )
        else:
            field = forms.CharField(
                label=label, help_text=help_text, required=setting.is_required, max_length=500
            )
        if not setting.is_secret:
            field.initial = self.instance.options.get(setting.name)
        self.fields[name] = field
        return name

    def clean(self) -> dict[str, Any]:
        """Check each value's shape, and keep stored keys to the host they were given for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for setting in self.spec.settings:
            name = f"provider_{setting.name}"
            value = str(cleaned.get(name) or "")
            if value and not setting.choices and not re.fullmatch(setting.pattern, value):
                sentence = (
                    _("This has blanks or signs in it that no key has. Copy it again.")
                    if setting.is_secret
                    else _("This is not written as it should be. %(help)s") % {"help": setting.help}
                )
                self.add_error(name, sentence)
        moved = self.has_keys and "provider_api_url" in self.changed_data
        for setting in self.spec.settings:
            name = f"provider_{setting.name}"
            if moved and setting.is_secret and not cleaned.get(name):
                self.add_error(name, _("Enter it again: it was stored for another server."))
        return cleaned

    def save(self, commit: bool = True) -> SendingAccount:  # noqa: FBT001, FBT002 - Django's signature
        """Save; new keys are encrypted, those not given stay."""
        account: SendingAccount = super().save(commit=False)
        given = {
            s.name: str(self.cleaned_data.get(f"provider_{s.name}") or "")
            for s in self.spec.settings
        }
        hidden = {s.name for s in self.spec.settings if s.is_secret}
        account.options = {k: v for k, v in given.items() if v and k not in hidden}
        new = {k: v for k, v in given.items() if v and k in hidden}
        if new:
            account.encrypted_password = secrets.encrypt(json.dumps(self._stored() | new))
        self.start_anew(account)
        if commit:
            account.save()
            self.save_lanes(account)
        return account

    def _stored(self) -> dict[str, str]:
        try:
            text = secrets.decrypt(self.instance.encrypted_password)
        except secrets.UnreadableSecretError:
            return {}
        return dict(json.loads(text)) if text else {}
