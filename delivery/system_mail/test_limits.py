"""Whom test mails may go to, and how many: each one may be a mail to a stranger in our name."""

from collections.abc import Sequence

import redis
import structlog
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.input.limits import Limit, within
from accounts.models import User
from delivery.models import SendingAccount
from delivery.states import TransportKind
from subscribers.consent import suppression

HOUR = 3600
OF_A_USER = Limit(most=60, seconds=HOUR)
OF_A_WORKSPACE = Limit(most=200, seconds=HOUR)
# To addresses of nobody in the team.
OUTSIDE_OF_A_USER = Limit(most=10, seconds=HOUR)
OUTSIDE_OF_A_WORKSPACE = Limit(most=30, seconds=HOUR)
log = structlog.get_logger()


class RefusedTestError(Exception):
    """These test mails may not be sent; ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def admit(account: SendingAccount, addresses: Sequence[str], *, by: User) -> None:
    """Let test mails through an account to these addresses, and count them.

    What goes into the sandbox reaches nobody and is not counted.

    Raises:
        RefusedTestError: somebody must not be written to, or there were too many within the hour.
    """
    if account.kind == TransportKind.SANDBOX:
        return
    workspace = account.workspace
    if workspace is not None:
        _refuse_suppressed(account, addresses)
    team = set()
    if workspace is not None:
        members = workspace.memberships.filter(user__is_active=True)
        team = {email.lower() for email in members.values_list("user__email", flat=True)}
    outside = sum(address.lower() not in team | {by.email.lower()} for address in addresses)
    of_workspace = f"test:workspace:{account.workspace_id}"
    of_user = f"test:user:{by.pk}"
    counts = [(OF_A_USER, of_user, len(addresses)), (OF_A_WORKSPACE, of_workspace, len(addresses))]
    if outside:
        counts += [
            (OUTSIDE_OF_A_USER, f"{of_user}:outside", outside),
            (OUTSIDE_OF_A_WORKSPACE, f"{of_workspace}:outside", outside),
        ]
    try:
        full = [limit for limit, what, count in counts if not within(limit, what, count=count)]
    except redis.RedisError as error:
        raise RefusedTestError(
            _("Valkey does not answer, so no test email can be sent now. Try again in a moment.")
        ) from error
    log.info(
        "test mails",
        user=by.pk,
        workspace=account.workspace_id,
        account=account.pk,
        mails=len(addresses),
        outside_the_team=outside,
        refused=bool(full),
    )
    if full:
        raise RefusedTestError(_sentence(min(full, key=lambda limit: limit.most)))


def _refuse_suppressed(account: SendingAccount, addresses: Sequence[str]) -> None:
    assert account.workspace is not None  # noqa: S101 - for the type checker
    for address in addresses:
        if suppression.is_suppressed(account.workspace, email=address):
            raise RefusedTestError(
                _(
                    "%(address)s is on the suppression list, so it gets no test either. "
                    "Leave it out, or release it first."
                )
                % {"address": address}
            )


def _sentence(limit: Limit) -> str:
    if limit in (OUTSIDE_OF_A_USER, OUTSIDE_OF_A_WORKSPACE):
        text = ngettext(
            "At most %(n)s test email an hour goes to people outside the team. Try "
            "again later, or invite them to the team.",
            "At most %(n)s test emails an hour go to people outside the team. Try "
            "again later, or invite them to the team.",
            limit.most,
        )
    else:
        text = ngettext(
            "At most %(n)s test email goes out within an hour. Try again later.",
            "At most %(n)s test emails go out within an hour. Try again later.",
            limit.most,
        )
    return text % {"n": limit.most}
