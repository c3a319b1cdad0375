"""Django's mail API over our own sending accounts: invitations, resets, confirmations.

A message may carry ``workspace_id``: then that workspace's account carries it. Every other one is
the installation's own, like a password reset: whoever reads it can become somebody else, so it goes
over no account that a workspace's people can change or look into.
"""

from collections.abc import Sequence
from email.utils import formatdate, parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address

from delivery import accounts, breaker, overtaking, routing, single
from delivery.models import SendingAccount
from delivery.transports.protocol import Outgoing, Verdict

DJANGOS_DEFAULT = "webmaster@localhost"


class NotDeliveredError(OSError):
    """The server did not take the mail; callers try again later."""


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
        return accounts.of_installation()
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
        message.from_email = accounts.sender_of(account)
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
            data=single.signed(account, data, sender=envelope_from),
        )
        for number, address in enumerate(message.recipients(), start=1)
    ]
    overtaking.count(account, len(mails))
    handed = single.hand_over(account, mails)
    if handed.trouble is not None:
        raise NotDeliveredError(handed.trouble.sentence) from handed.trouble
    for outcome in handed.outcomes.values():
        if outcome.verdict is not Verdict.SENT:
            raise NotDeliveredError(f"{outcome.code} {outcome.enhanced} {outcome.text}".strip())
