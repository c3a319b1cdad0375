"""Mails to the people who work here.

Their links open accounts, so neither links nor addresses travel through the queue: a task gets an
id and makes the link itself.
"""

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.utils import user_pk_to_url_str
from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from accounts import mail, team
from accounts.models import Invitation, User
from accounts.workspace_urls import outside


@shared_task(
    autoretry_for=(OSError,),
    retry_backoff=30,
    retry_backoff_max=3600,
    max_retries=8,
    acks_late=True,
)
def send_password_reset(user_id: int) -> None:
    """Send a link to choose a new password."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    secret = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{secret}"
    context = {"url": get_adapter().get_reset_password_from_key_url(key)}
    _send("password_reset", user.email, context)


@shared_task(
    autoretry_for=(OSError,),
    retry_backoff=30,
    retry_backoff_max=3600,
    max_retries=8,
    acks_late=True,
)
def send_invitation(invitation_id: int) -> None:
    """Send the link that accepts an invitation, if it is still open."""
    invitation = (
        Invitation.objects.select_related("workspace", "invited_by")
        .filter(pk=invitation_id, accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if invitation is None:
        return
    path = outside("invitation_accept", team.token_of(invitation))
    context = {
        "url": settings.SITE_URL + path,
        "workspace": invitation.workspace.name,
        "inviter": str(invitation.invited_by or invitation.workspace.name),
    }
    _send("invitation", invitation.email, context, invitation.workspace.default_language)


def _send(template: str, email: str, context: dict[str, Any], language: str = "en") -> None:
    """Compose ``templates/mail/<template>`` and send it to one address."""
    subject, text, html = mail.compose(template, context, language)
    message = EmailMultiAlternatives(subject, text, to=[email])
    message.attach_alternative(html, "text/html")
    message.send()
