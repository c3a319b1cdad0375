"""Mails to the people who work here: a new password, an invitation; in their language.

Their links open accounts: they are made when the mail is written, from a row's key.
"""

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from accounts.mails import mail
from accounts.models import User
from accounts.team import team
from accounts.workspaces.workspace_urls import outside


def password_reset(user_id: int, language: str = "") -> EmailMultiAlternatives | None:
    """Write the mail with a link to choose a new password; None for who may not sign in.

    ``language`` is the one of the page on which it was asked for; the account's own goes before.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    secret = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{secret}"
    context = {"url": get_adapter().get_reset_password_from_key_url(key)}
    return _write("password_reset", user.email, context, user.language or language)


def invitation(invitation_id: int) -> EmailMultiAlternatives | None:
    """Write the mail with the link that accepts an invitation; None if it is no longer open."""
    offer = team.open_invitation(pk=invitation_id)
    if offer is None:
        return None
    path = outside("invitation_accept", team.token_of(offer))
    context = {
        "url": settings.SITE_URL + path,
        "workspace": offer.workspace.name,
        "inviter": str(offer.invited_by or offer.workspace.name),
    }
    known = User.objects.filter(email__iexact=offer.email).values_list("language", flat=True)
    language = known.first() or offer.workspace.default_language
    return _write("invitation", offer.email, context, language)


def _write(
    template: str, email: str, context: dict[str, Any], language: str
) -> EmailMultiAlternatives:
    subject, text, html = mail.compose(template, context, language or settings.LANGUAGE_CODE)
    message = EmailMultiAlternatives(subject, text, to=[email])
    message.attach_alternative(html, "text/html")
    return message
