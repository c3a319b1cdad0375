"""What keeps news of our mail from coming back: bounce mailboxes and providers' webhooks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils import timezone

from delivery.health.checked import Checked
from delivery.models import BounceMailbox, WebhookAddress

LATELY: Final = timedelta(days=2)


def look() -> Iterator[Checked]:
    """Find mailboxes that cannot be read, and webhooks whose requests are refused."""
    mailboxes = BounceMailbox.objects.filter(is_paused=False).exclude(trouble="")
    for mailbox in mailboxes.select_related("workspace"):
        since = mailbox.trouble_since or mailbox.created_at
        yield Checked(
            level="warn",
            subject=f"bounce mailbox {mailbox.name} ({mailbox.workspace.slug})",
            sentence=f"It cannot be read since {since:%Y-%m-%d %H:%M} UTC: {mailbox.trouble}",
            way_out="Test the connection on the page of the mailbox, under Settings.",
        )
    refused = WebhookAddress.objects.filter(trouble_at__gt=timezone.now() - LATELY)
    for address in refused.exclude(trouble="").select_related("account__workspace"):
        yield Checked(
            level="warn",
            subject=f"webhook of {address.account.name} ({address.account.workspace.slug})",
            sentence=f"Requests are refused: {address.trouble}",
            way_out="Compare the signing key or password with the page of the sending account.",
        )
