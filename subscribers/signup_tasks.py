"""What a sign-up sets going: taking it in, its mails, its figures, and looking after the held."""

import logging
from smtplib import SMTPException
from typing import Any

from celery import Task, shared_task

from subscribers import signup_brake, signup_figures, signup_intake, signup_mails
from subscribers.models import SignupRequest
from subscribers.signup import Letter

log = logging.getLogger(__name__)
AGAIN: dict[str, Any] = {
    "bind": True,
    "autoretry_for": (SMTPException, OSError),
    "retry_backoff": 10,
    "retry_backoff_max": 900,
    "max_retries": 12,
}


@shared_task(name="subscribers.take_signup")
def take_signup(request_id: int) -> None:
    """Take a sign-up in, or hold it; then send its mail."""
    row = SignupRequest.objects.filter(pk=request_id).only("workspace_id").first()
    if row is None:
        return
    letter = signup_intake.take(request_id)
    signup_intake.hand_on(request_id, queue=send)
    if letter and letter.token and signup_brake.pull(row.workspace_id):
        log.warning("signup.brake_pulled", extra={"workspace_id": row.workspace_id})
        tell_of_brake.delay_on_commit(row.workspace_id)


def send(letter: Letter) -> None:
    """Queue a letter; raises when the broker is away, so that the caller's transaction is undone.

    What the letter is about must be in the database already.
    """
    send_signup_mail.delay(
        subscriber_id=letter.subscriber_id,
        form_id=letter.form_id,
        token=letter.token,
        language=letter.language,
        lists=list(letter.lists),
        is_welcome=letter.is_welcome,
    )


@shared_task(name="subscribers.send_signup_mail", **AGAIN)
def send_signup_mail(  # noqa: PLR0913 - what a letter is
    self: "Task[Any, Any]",  # noqa: ARG001 - bound, so that Celery can try again
    *,
    subscriber_id: int,
    form_id: int,
    token: str,
    language: str,
    lists: list[int] | None = None,
    is_welcome: bool = False,
) -> None:
    """Ask a person to confirm, welcome them, or say that they are subscribed already."""
    letter = Letter(
        subscriber_id=subscriber_id,
        form_id=form_id,
        token=token,
        lists=tuple(lists or ()),
        language=language,
        is_welcome=is_welcome,
    )
    mail = signup_mails.write(letter)
    if mail:
        mail.send()


@shared_task(name="subscribers.send_owner_link", **AGAIN)
def send_owner_link(
    self: "Task[Any, Any]",  # noqa: ARG001 - bound, so that Celery can try again
    *,
    subscriber_id: int,
    message_id: int | None,
    language: str,
) -> None:
    """Mail a person the link to their own settings and data."""
    mail = signup_mails.owner_link(subscriber_id, message_id=message_id, language=language)
    if mail:
        mail.send()


@shared_task(name="subscribers.tell_of_brake", **AGAIN)
def tell_of_brake(self: "Task[Any, Any]", workspace_id: int) -> None:  # noqa: ARG001 - as above
    """Tell the workspace's owners and admins that sign-ups without proof are held."""
    for mail in signup_mails.brake_news(workspace_id):
        mail.send()


@shared_task(name="subscribers.take_overdue_signups")
def take_overdue_signups() -> None:
    """Take up sign-ups whose task was lost, and forget held ones whose time is over."""
    for request_id in signup_intake.overdue():
        take_signup.delay(request_id)
    signup_intake.forget_old()


@shared_task(name="subscribers.copy_form_views")
def copy_form_views() -> None:
    """Bring the views counted in Redis into the database."""
    signup_figures.copy_views()
