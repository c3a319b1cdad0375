"""Django's mail API over our own sending accounts: invitations, resets, confirmations.

A message may carry ``before_leaving``: it is asked before the mail's last byte leaves, and False
keeps it here. A message may carry ``workspace_id``: then that workspace's account carries it. Every
other one is the installation's own, like a password reset: whoever reads it can become somebody
else, so it goes over no account that a workspace's people can change or look into.
"""

from collections.abc import Sequence
from email.utils import formatdate, parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address

from accounts.mails.system_mail import (
    DeferredError,
    NotDeliveredError,
    RefusedError,
    UnknownError,
)
from delivery.accounts import breaker, routing, setup
from delivery.limits import direct_mail
from delivery.models import SendingAccount
from delivery.system_mail import direct_send
from delivery.transports.protocol import Outgoing, Verdict

DJANGOS_DEFAULT = "webmaster@localhost"


_ERRORS: dict[Verdict, type[NotDeliveredError]] = {
    Verdict.UNKNOWN: UnknownError,
    Verdict.FAILED: RefusedError,
    Verdict.DEFERRED: DeferredError,
}


class EmailBackend(BaseEmailBackend):
    """Sends through `delivery.transports`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send messages one by one; return how many the servers took.

        Raises:
            NotDeliveredError: unless ``fail_silently``.
        """
        count = 0
        for message in email_messages:
            try:
                _send(message)
            except NotDeliveredError:
                if not self.fail_silently:
                    raise
            else:
                count += 1
        return count


def _account_for(message: EmailMessage) -> SendingAccount:
    workspace_id: int | None = getattr(message, "workspace_id", None)
    if workspace_id is None:
        return setup.of_installation()
    sender = message.from_email if message.from_email != DJANGOS_DEFAULT else ""
    found = routing.candidates(
        SendingAccount.objects.filter(workspace_id=workspace_id),
        from_email=sender or "",
        chosen=None,
    )
    if not found:
        raise NotDeliveredError("There is no sending account.")
    usable = breaker.first_usable(found)
    if usable is None:
        raise NotDeliveredError("Every sending account is to be left alone for now.")
    return usable


def _send(message: EmailMessage) -> None:
    account = _account_for(message)
    if not message.from_email or message.from_email == DJANGOS_DEFAULT:
        message.from_email = setup.sender_of(account)
    message.extra_headers.setdefault("Date", formatdate())
    # RFC 3834: an automatic answer to this mail helps nobody.
    message.extra_headers.setdefault("Auto-Submitted", "auto-generated")
    data = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django adds it
    envelope_from = parseaddr(sanitize_address(message.from_email, "utf-8"))[1]
    mails = [
        Outgoing(
            message_id=number,
            envelope_from=envelope_from,
            envelope_to=parseaddr(sanitize_address(address, "utf-8"))[1],
            data=direct_send.signed(account, data, sender=envelope_from),
        )
        for number, address in enumerate(message.recipients(), start=1)
    ]
    may_leave = getattr(message, "before_leaving", lambda: True)
    with direct_mail.counted(account, len(mails)):
        handed = direct_send.hand_over(account, mails, may_leave=may_leave)
    _raise_what_is_wrong(handed)


def _raise_what_is_wrong(handed: direct_send.HandedOver) -> None:
    """Raise what keeps a caller from believing that all arrived; a doubt before all else."""
    for verdict, error in _ERRORS.items():
        for outcome in handed.outcomes.values():
            if outcome.verdict is verdict:
                words = (str(outcome.code or ""), outcome.enhanced, outcome.text)
                raise error(" ".join(word for word in words if word) or "There was no answer.")
    if handed.trouble is not None:
        raise NotDeliveredError(handed.trouble.sentence) from handed.trouble
    if any(outcome.verdict is not Verdict.SENT for outcome in handed.outcomes.values()):
        raise NotDeliveredError("It was not handed over.")
