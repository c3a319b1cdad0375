"""What pages call the kinds of returned mails."""

from typing import Final

from django.utils.translation import gettext_lazy as _

KINDS: Final = {
    "bounce": _("Bounce"),
    "delay": _("Delay notice"),
    "delivery_note": _("Delivery receipt"),
    "complaint": _("Spam complaint"),
    "auto_reply": _("Automatic reply"),
    "challenge": _("Challenge: asks the sender to prove something"),
    "unsubscribe_request": _("Unsubscribe request"),
    "other": _("Unknown"),
}


def kind(name: str) -> str:
    """Return the words for a kind; "" for a mail that was not read yet."""
    return str(KINDS.get(name, name))
