"""allauth's forms about passwords, in our own words and by our rules."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm, UserTokenForm
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User


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


class ResetLinkForm(UserTokenForm):  # type: ignore[misc]  # allauth is untyped
    """The link of a mail that resets a password: it ends with the account that it opens."""

    uidb36 = forms.CharField(widget=forms.HiddenInput)  # nobody sees these: they are checked only
    key = forms.CharField(widget=forms.HiddenInput)

    def _get_user(self, uidb36: str) -> User | None:
        user: User | None = super()._get_user(uidb36)
        return user if user is not None and user.is_active else None


def _speak(form: forms.Form) -> None:
    new, again = form.fields["password1"], form.fields["password2"]
    new.label, again.label = _("New password"), _("New password again")
    new.help_text = _("At least 8 characters, and not one of the common ones.")
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)  # it only repeats the label
