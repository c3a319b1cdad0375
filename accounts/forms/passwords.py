"""allauth's forms about passwords, in our own words."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm
from django import forms
from django.utils.translation import gettext_lazy as _


class NewPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth is untyped
    """Somebody signed in chooses another password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Current password")
        _speak(self)


class ForgottenPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth is untyped
    """Somebody who came by the link of a mail chooses a new password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)


def _speak(form: forms.Form) -> None:
    new, again = form.fields["password1"], form.fields["password2"]
    new.label, again.label = _("New password"), _("New password again")
    new.help_text = _("At least 8 characters, and not one of the common ones.")
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)  # it only repeats the label
