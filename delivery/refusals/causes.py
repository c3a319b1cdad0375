"""Why a mail was refused, in some forty words of the field, and what each means for us.

Two questions are kept apart. The *cause* is what the other side said ("no such mailbox", "on a
blocklist"); the *effect* (`delivery.states.Effect`) is whose fault that is, and so what follows:
only an address that does not exist speaks against the address.
"""

from typing import Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from accounts.choices import IntegerOptions
from delivery.states import Effect


class Cause(IntegerOptions):
    """What a refusal, a returned mail or an answer says. Stored: never renumber, only add."""

    NONE = 0, ""
    # the address
    USER_UNKNOWN = 1, _("No such mailbox")
    DOMAIN_UNKNOWN = 2, _("No such domain")
    DOMAIN_TAKES_NO_MAIL = 3, _("The domain receives no email")
    MOVED = 4, _("The mailbox has moved")
    ADDRESS_SYNTAX = 5, _("The address is not valid")
    # the mailbox
    MAILBOX_DISABLED = 10, _("The mailbox is disabled")
    ON_PROVIDERS_LIST = 11, _("On the provider’s own suppression list")
    RECIPIENT_REFUSED = 12, _("The server refuses this recipient")
    MAILBOX_FULL = 13, _("The mailbox is full")
    # what passes
    GREYLISTED = 20, _("Greylisted: try again later")
    NETWORK = 21, _("The server could not be reached")
    DNS_TROUBLE = 22, _("The domain could not be looked up")
    SYSTEM_ERROR = 23, _("Error on the receiving server")
    SYSTEM_FULL = 24, _("The receiving server is out of space")
    TOO_MANY_CONNECTIONS = 25, _("Too many connections at once")
    EXPIRED = 26, _("Tried until the time allowed was over")
    MAIL_LOOP = 27, _("The email went round in circles")
    TLS_FAILED = 28, _("No encrypted connection")
    # patience
    RATE_LIMITED = 30, _("Too many emails too fast")
    # the sender's name
    BLOCKLISTED = 40, _("On a blocklist")
    BAD_REPUTATION = 41, _("Poor reputation")
    NO_REVERSE_DNS = 42, _("No matching reverse DNS")
    SENDER_REJECTED = 43, _("The sender’s address was refused")
    # authentication, policies
    AUTHENTICATION_FAILED = 50, _("SPF, DKIM or DMARC failed")
    POLICY = 51, _("Refused by a policy")
    RESTRICTED_RECIPIENT = 52, _("Only certain senders may write to this recipient")
    FILTERED = 53, _("Refused by the recipient’s own filter")
    # the mail
    SPAM_CONTENT = 60, _("Looks like spam")
    VIRUS = 61, _("Holds a virus or a forbidden file")
    TOO_LARGE = 62, _("The email is too large")
    MALFORMED = 63, _("The email breaks a standard")
    # our own side
    SIGN_IN_REQUIRED = 70, _("The server asks us to sign in")
    RELAY_DENIED = 71, _("The server does not relay for us")
    ACCOUNT_LIMIT = 72, _("The sending account’s limit is reached")
    PROTOCOL = 73, _("SMTP error")
    TOO_MANY_RECIPIENTS = 74, _("Too many recipients at once")
    # not refusals
    SPAM_REPORT = 80, _("Reported as spam")
    OPT_OUT = 81, _("Asked to be unsubscribed")
    ABSENCE_NOTE = 82, _("Out-of-office reply")
    CHALLENGE = 83, _("Asks the sender to prove to be a person")
    STILL_TRYING = 84, _("Delayed, still being tried")
    AUTHENTICATION_REPORT = 85, _("A report about SPF, DKIM or DMARC")
    UNDECIDED = 99, _("Not understood")


class Meaning(NamedTuple):
    """What a cause means: ``is_permanent`` says that the same mail will not be taken later."""

    effect: Effect
    is_permanent: bool


def _all(effect: Effect, *causes: Cause, lasts: bool) -> dict[Cause, Meaning]:
    return dict.fromkeys(causes, Meaning(effect, lasts))


# What a cause means where the reply does not say whether it lasts (RFC 5321 §4.2.1 does).
MEANINGS: Final[dict[Cause, Meaning]] = {
    **_all(Effect.NONE, Cause.NONE, Cause.AUTHENTICATION_REPORT, lasts=False),
    **_all(
        Effect.ADDRESS_INVALID,
        Cause.USER_UNKNOWN,
        Cause.DOMAIN_UNKNOWN,
        Cause.DOMAIN_TAKES_NO_MAIL,
        Cause.MOVED,
        Cause.ADDRESS_SYNTAX,
        lasts=True,
    ),
    **_all(
        Effect.MAILBOX_INACTIVE,
        Cause.MAILBOX_DISABLED,
        Cause.ON_PROVIDERS_LIST,
        Cause.RECIPIENT_REFUSED,
        lasts=True,
    ),
    **_all(Effect.MAILBOX_FULL, Cause.MAILBOX_FULL, lasts=False),
    **_all(
        Effect.TRANSIENT,
        Cause.GREYLISTED,
        Cause.NETWORK,
        Cause.DNS_TROUBLE,
        Cause.SYSTEM_ERROR,
        Cause.SYSTEM_FULL,
        Cause.TOO_MANY_CONNECTIONS,
        Cause.EXPIRED,
        Cause.MAIL_LOOP,
        Cause.TLS_FAILED,
        Cause.TOO_MANY_RECIPIENTS,
        lasts=False,
    ),
    **_all(Effect.THROTTLED, Cause.RATE_LIMITED, lasts=False),
    **_all(
        Effect.SENDER_BLOCKED,
        Cause.BLOCKLISTED,
        Cause.BAD_REPUTATION,
        Cause.NO_REVERSE_DNS,
        Cause.SENDER_REJECTED,
        lasts=True,
    ),
    **_all(
        Effect.AUTH_POLICY,
        Cause.AUTHENTICATION_FAILED,
        Cause.POLICY,
        Cause.RESTRICTED_RECIPIENT,
        Cause.FILTERED,
        lasts=True,
    ),
    **_all(
        Effect.CONTENT,
        Cause.SPAM_CONTENT,
        Cause.VIRUS,
        Cause.TOO_LARGE,
        Cause.MALFORMED,
        lasts=True,
    ),
    **_all(
        Effect.CONFIG,
        Cause.SIGN_IN_REQUIRED,
        Cause.RELAY_DENIED,
        Cause.ACCOUNT_LIMIT,
        Cause.PROTOCOL,
        lasts=True,
    ),
    **_all(Effect.COMPLAINT, Cause.SPAM_REPORT, lasts=True),
    **_all(Effect.UNSUBSCRIBE, Cause.OPT_OUT, lasts=True),
    **_all(Effect.AUTO_REPLY, Cause.ABSENCE_NOTE, Cause.CHALLENGE, lasts=False),
    **_all(Effect.DELAY, Cause.STILL_TRYING, lasts=False),
    **_all(Effect.UNDECIDED, Cause.UNDECIDED, lasts=False),
}
