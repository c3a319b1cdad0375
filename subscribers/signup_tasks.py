"""Mails that a sign-up asks for."""

import logging
from smtplib import SMTPException
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.translation import override

from accounts.mail import compose
from subscribers.models import SignupForm, Subscriber
from subscribers.signup import CONFIRM_DAYS

log = logging.getLogger(__name__)


@shared_task(
    bind=True,
    name="subscribers.send_signup_mail",
    autoretry_for=(SMTPException, OSError),
    retry_backoff=10,
    retry_backoff_max=900,
    max_retries=12,
)
def send_signup_mail(
    self: "Task[Any, Any]",  # noqa: ARG001 - bound, so that Celery can try again
    *,
    subscriber_id: int,
    form_id: int,
    token: str,
    language: str,
) -> None:
    """Ask a person to confirm, or (without a token) say that they are subscribed already.

    Nothing that was typed into the form is repeated in it: strangers could mail their own words.
    """
    person = Subscriber.objects.filter(pk=subscriber_id).first()
    form = SignupForm.objects.filter(pk=form_id).select_related("workspace").first()
    if person is None or form is None or person.workspace_id != form.workspace_id:
        return
    with override(language):
        names = [str(one) for one in form.lists.filter(archived_at=None).order_by("name")]
    context = {
        "workspace": form.workspace.name,
        "postal_address": form.workspace.postal_address,
        "brand_colour": form.workspace.brand_colour,
        "lists": ", ".join(names),
        "days": CONFIRM_DAYS,
        "url": settings.SITE_URL + reverse("public_confirm", args=[token]) if token else "",
    }
    template = "confirm_subscription" if token else "already_subscribed"
    subject, text, html = compose(template, context, language)
    message = EmailMultiAlternatives(subject, text, to=[person.email])
    message.attach_alternative(html, "text/html")
    # Django's mail API has no word for it; the mail backend sends over this workspace's account.
    message.workspace_id = form.workspace_id  # type: ignore[attr-defined]
    message.send()
