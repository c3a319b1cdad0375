"""What a sign-up sets going: taking it in, its mails, its figures, and looking after the held."""

import logging

from celery import shared_task

from accounts import set_aside, tasks
from subscribers import signup_brake, signup_figures, signup_intake, signup_mails
from subscribers.models import SignupRequest, Subscriber
from subscribers.signup import Letter

log = logging.getLogger(__name__)


@shared_task(name="subscribers.take_signup")
def take_signup(request_id: int) -> None:
    """Take a sign-up in, or hold it; write down its mail, which goes at once."""
    if not set_aside.each("sign-up", [request_id], _take_signup, name="sign-up {}".format):
        signup_intake.hold(request_id)  # for a member, who sees it among the held


def _take_signup(request_id: int) -> None:
    row = SignupRequest.objects.filter(pk=request_id).only("workspace_id").first()
    if row is None:
        return
    letter = signup_intake.take(request_id)
    signup_intake.hand_on(request_id, queue=signup_mails.put)
    if letter and letter.token and signup_brake.pull(row.workspace_id):
        log.warning("signup.brake_pulled", extra={"workspace_id": row.workspace_id})
        signup_mails.put_brake_news(row.workspace_id)
    tasks.nudge()


def send(letter: Letter) -> None:
    """Write a mail down in the caller's transaction; it goes as soon as that is committed."""
    signup_mails.put(letter)
    tasks.nudge()


def send_owner_link(person: Subscriber, *, message_id: int | None, language: str) -> None:
    """Mail a person the link to their own settings and data."""
    signup_mails.put_owner_link(person, message_id=message_id, language=language)
    tasks.nudge()


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
