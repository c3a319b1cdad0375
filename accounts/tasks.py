"""Mails to the people who work here."""

from typing import Any

from celery import shared_task
from django.core.mail import EmailMultiAlternatives

from accounts import mail


@shared_task(
    autoretry_for=(OSError,),
    retry_backoff=30,
    retry_backoff_max=3600,
    max_retries=8,
    acks_late=True,
)
def send_mail(template: str, email: str, context: dict[str, Any], language: str = "en") -> None:
    """Compose ``templates/mail/<template>`` and send it to one address."""
    subject, text, html = mail.compose(template, context, language)
    message = EmailMultiAlternatives(subject, text, to=[email])
    message.attach_alternative(html, "text/html")
    message.send()
