"""States of a message and of a claim, and which may follow which.

The numbers are stored; never renumber, only add. ``claimed`` and ``handed_over`` are not written to
each row: they follow from a held claim and its journal (see docs/decisions on range claims).
"""

from django.utils.translation import gettext_lazy as _

from accounts.choices import IntegerOptions, TextOptions
from campaigns.states import LeftOut


class MessageState(IntegerOptions):
    """What is known about one message to one subscriber."""

    PLANNED = 1, _("To send")
    CLAIMED = 2, _("Claimed")  # derived: planned, inside a held claim
    HANDED_OVER = (
        3,
        _("Sent to the server"),
    )  # derived: its final dot may be out, no reply recorded yet
    SENT = 4, _("Sent")  # the server accepted it
    DEFERRED = 5, _("Waiting to retry")
    FAILED = 6, _("Failed")
    UNKNOWN = 7, _("Unknown")  # may have been delivered: the connection broke after the last byte
    SKIPPED = 8, _("Skipped")
    CANCELLED = 9, _("Cancelled")


# What `record` may write over what. A later event moves SENT on by its own columns, not by state.
TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    MessageState.PLANNED: frozenset(
        {
            MessageState.SENT,
            MessageState.DEFERRED,
            MessageState.FAILED,
            MessageState.UNKNOWN,
            MessageState.SKIPPED,
            MessageState.CANCELLED,
        }
    ),
    MessageState.DEFERRED: frozenset(
        {MessageState.PLANNED, MessageState.FAILED, MessageState.CANCELLED}
    ),
    # "Send again" (a human's decision), or an event that proves what happened.
    MessageState.UNKNOWN: frozenset({MessageState.PLANNED, MessageState.SENT, MessageState.FAILED}),
    MessageState.SENT: frozenset(),
    MessageState.FAILED: frozenset(),
    MessageState.SKIPPED: frozenset(),
    MessageState.CANCELLED: frozenset(),
}

OPEN_STATES = frozenset({MessageState.PLANNED, MessageState.DEFERRED})


class Reason(IntegerOptions):
    """Why a message was skipped, deferred, failed or is unknown; the server's words are apart."""

    NONE = 0, ""
    # skipped
    UNSUBSCRIBED = 1, _("Unsubscribed")
    UNCONFIRMED = 2, _("Has not confirmed")
    SUPPRESSED = 3, _("On the suppression list")
    EXCLUDED = 4, _("In an excluded list or segment")
    DUPLICATE = 5, _("Same address as another message")
    GONE = 6, _("No longer a subscriber")
    RENDER_ERROR = 7, _("A merge tag could not be filled")
    ADDRESS_NOT_SENDABLE = 8, _("The server cannot send to this kind of address")
    PAUSED = 9, _("Asked for a pause")
    WANTS_FEWER = 10, _("Wants fewer emails")
    # deferred
    TEMPORARY = 20, _("The server asked to try again later")
    CONNECTION_LOST = 21, _("The connection broke before the email was sent")
    THROTTLED_BY_SERVER = 22, _("The mailbox provider asked us to slow down")
    # failed
    REFUSED = 40, _("Refused by the server")
    ADDRESS_INVALID = 41, _("The address does not exist")
    EXPIRED = 42, _("Tried until the time allowed was over")
    POLICY = 43, _("Refused by a policy")
    # unknown
    NO_REPLY = 60, _("No reply after the last byte")
    JOURNAL_LOST = 61, _("The journal was lost, so nobody knows")
    NO_REPLY_LEFT = 62, _("No reply after the last byte; left as it is")
    JOURNAL_LOST_LEFT = 63, _("The journal was lost; left as it is")
    MAY_HAVE_GONE = 64, _("The database was restored; it may have gone out before")
    MAY_HAVE_GONE_LEFT = 65, _("The database was restored; left as it is")
    # cancelled
    CANCELLED = 80, _("The campaign was cancelled")


# What the ledger calls the reasons for which a campaign leaves people out.
REASON_OF: dict[LeftOut, Reason] = {
    LeftOut.EXCLUDED: Reason.EXCLUDED,
    LeftOut.SUPPRESSED: Reason.SUPPRESSED,
    LeftOut.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
    LeftOut.UNCONFIRMED: Reason.UNCONFIRMED,
    LeftOut.PAUSED: Reason.PAUSED,
    LeftOut.FREQUENCY: Reason.WANTS_FEWER,
}

# Every state that isn't PLANNED or SENT carries a reason, and a reason belongs to one state, so the
# index of exceptions is on the reason alone: a message that is simply sent touches no index.
_TWENTIES = {  # the numbers of a state's reasons start here
    MessageState.SKIPPED: 0,
    MessageState.DEFERRED: 20,
    MessageState.FAILED: 40,
    MessageState.UNKNOWN: 60,
    MessageState.CANCELLED: 80,
}
REASONS: dict[MessageState, frozenset[Reason]] = {
    state: frozenset(reason for reason in Reason if reason and first <= reason < first + 20)
    for state, first in _TWENTIES.items()
}
# An unknown message that nobody has decided about, and what "leave" makes of it.
LEFT_AS: dict[Reason, Reason] = {
    Reason.NO_REPLY: Reason.NO_REPLY_LEFT,
    Reason.JOURNAL_LOST: Reason.JOURNAL_LOST_LEFT,
    Reason.MAY_HAVE_GONE: Reason.MAY_HAVE_GONE_LEFT,
}


class ClaimState(IntegerOptions):
    """Where a claim (up to a thousand messages that one worker takes at once) stands."""

    WAITING = 1, _("Waiting")
    HELD = 2, _("Held")
    SETTLED = 3, _("Settled")


class Priority(IntegerOptions):
    """Lower goes first."""

    TRANSACTIONAL = 1, _("Transactional")
    OPT_IN = 2, _("Opt-in email")
    CAMPAIGN = 5, _("Campaign")


class EventKind(IntegerOptions):
    """Something a provider or a reader did."""

    DELIVERED = 1, _("Delivered")
    BOUNCED = 2, _("Bounced")
    COMPLAINED = 3, _("Reported as spam")
    OPENED = 4, _("Opened")
    CLICKED = 5, _("Clicked")
    UNSUBSCRIBED = 6, _("Unsubscribed")
    DELAYED = 7, _("Delayed")  # somebody on the way still tries; says nothing of the end
    AUTO_REPLIED = 8, _("Answered automatically")  # an absence note, a challenge


class FeedbackSource(IntegerOptions):
    """Who told us what became of a message."""

    PROVIDER = 1, _("Provider's webhook")
    BOUNCE_MAIL = 2, _("Returned mail")
    SERVER = 3, _("Answer while sending")
    SANDBOX = 4, _("Sandbox")
    # Of events alone: the match was too unsure for anything to follow for the person.
    PROVIDER_UNSURE = 5, _("Provider's webhook, uncertain match")
    MAIL_UNSURE = 6, _("Returned mail, uncertain match")


class Effect(IntegerOptions):
    """What a refusal means for us: whose fault it is, and so what follows from it."""

    NONE = 0, ""
    ADDRESS_INVALID = 1, _("The address does not exist")
    MAILBOX_INACTIVE = 2, _("The mailbox is switched off")
    MAILBOX_FULL = 3, _("The mailbox is full")
    TRANSIENT = 4, _("A trouble that passes")
    THROTTLED = 5, _("Asked to slow down")
    SENDER_BLOCKED = 6, _("The sender is blocked")
    AUTH_POLICY = 7, _("Authentication or a policy")
    CONTENT = 8, _("The content was refused")
    CONFIG = 9, _("A setting of ours")
    COMPLAINT = 10, _("Reported as spam")
    UNSUBSCRIBE = 11, _("Asked to be unsubscribed")
    AUTO_REPLY = 12, _("Answered automatically")
    DELAY = 13, _("Delayed")
    UNDECIDED = 14, _("Not understood")


class MailKind(IntegerOptions):
    """What a mail that came back is."""

    BOUNCE = 1, _("Bounce")
    DELAY = 2, _("Delay notice")
    DELIVERY_NOTE = 3, _("Delivery confirmation")
    COMPLAINT = 4, _("Spam complaint")
    AUTO_REPLY = 5, _("Automatic reply")
    CHALLENGE = 6, _("Request to confirm the sender")
    UNSUBSCRIBE_REQUEST = 7, _("Unsubscribe request")
    OTHER = 8, _("Something else")


class AgentClass(IntegerOptions):
    """Who caused an open or a click."""

    HUMAN = 1, _("Person")
    PROXY = (
        2,
        _("Privacy proxy"),
    )  # Apple Mail Privacy Protection and the like: says nothing of a person
    SCANNER = 3, _("Scanner")


class Device(IntegerOptions):
    """What an email was read with. The numbers are bits of `PersonDevice.devices`, too."""

    UNKNOWN = 0, _("Unknown")
    DESKTOP = 1, _("Computer")
    PHONE = 2, _("Phone")
    TABLET = 3, _("Tablet")
    OTHER = 4, _("Other device")  # a television, a watch, a game console


class TransportKind(TextOptions):
    """How a sending account sends."""

    SANDBOX = "sandbox", _("Sandbox")
    SMTP = "smtp", _("SMTP server")
    ANYMAIL = "anymail", _("Provider's API")


class Provider(TextOptions):
    """Whose API a sending account speaks to; see `delivery.transports.providers.catalogue`."""

    AMAZON_SES = "amazon_ses", "Amazon SES"
    BREVO = "brevo", "Brevo"
    MAILERSEND = "mailersend", "MailerSend"
    MAILGUN = "mailgun", "Mailgun"
    MAILJET = "mailjet", "Mailjet"
    MAILTRAP = "mailtrap", "Mailtrap"
    MANDRILL = "mandrill", "Mandrill"
    POSTAL = "postal", "Postal"
    POSTMARK = "postmark", "Postmark"
    RESEND = "resend", "Resend"
    SCALEWAY = "scaleway", "Scaleway"
    SENDGRID = "sendgrid", "SendGrid"
    SPARKPOST = "sparkpost", "SparkPost"
    UNISENDER_GO = "unisender_go", "Unisender Go"


class DkimAlgorithm(TextOptions):
    """How a mail is signed (RFC 6376, RFC 8463)."""

    RSA = "rsa", "RSA-2048"
    ED25519 = "ed25519", "Ed25519"


class DkimState(TextOptions):
    """Where a key stands: made, signing, or signing no more."""

    NEW = "new", _("Not in use yet")
    ACTIVE = "active", _("Signs")
    RETIRED = "retired", _("Retired")


class TlsMode(TextOptions):
    """How the connection to an SMTP server is protected."""

    STARTTLS = "starttls", _("STARTTLS")
    IMPLICIT = "implicit", _("TLS from the start")
    NONE = "none", _("None")


class ProviderEventState(IntegerOptions):
    """What became of one event that a provider reported."""

    WAITING = 1, _("Waiting")  # kept; a worker takes it up
    APPLIED = 2, _("Applied")
    KNOWN = 3, _("Known already")  # said before, in this or another way: nothing changed
    UNMATCHED = 4, _("No email found")
    IGNORED = 5, _("Not needed")  # true, and says nothing that anybody waits for
    FAILED = 6, _("Failed")


class MailboxProtocol(TextOptions):
    """How returned mails get to us: fetched, or handed in by a mail server."""

    IMAP = "imap", "IMAP"
    POP3 = "pop3", "POP3"
    PIPE = "pipe", _("Handed in over HTTP")


class MailboxAuth(TextOptions):
    """How we sign in to a bounce mailbox."""

    PASSWORD = "password", _("Password")
    XOAUTH2 = "xoauth2", _("OAuth 2.0 (XOAUTH2)")


class AfterReading(TextOptions):
    """What becomes of a mail in its mailbox once it is recorded."""

    LEAVE = "leave", _("Leave it there")
    MOVE = "move", _("Move it to a folder")
    DELETE = "delete", _("Delete it")


class ReturnedState(IntegerOptions):
    """What came of a returned mail."""

    KEPT = 1, _("Waiting")  # recorded, not read yet
    APPLIED = 2, _("Counted")
    UNMATCHED = 3, _("No matching email")
    UNRECOGNISED = 4, _("Not recognised")
    IGNORED = 5, _("No action needed")
    FAILED = 6, _("Could not be counted")


class Verdict(TextOptions):
    """What a person says that a mail is which the rules do not recognise."""

    HARD = "hard", _("The address does not exist")
    SOFT = "soft", _("A temporary problem")
    AUTO_REPLY = "auto_reply", _("An automatic reply")
    NO_BOUNCE = "no_bounce", _("Not a bounce")


class SandboxAnswer(IntegerOptions):
    """What a mail in the sandbox can be answered with, as its recipient's world would."""

    NO_MAILBOX = 1, _("Bounce: no such mailbox")
    MAILBOX_FULL = 2, _("Bounce: mailbox full")
    SPAM = 3, _("Bounce: refused as spam")
    DELAYED = 4, _("Notice of a delay")
    COMPLAINT = 5, _("Spam complaint")
    AUTO_REPLY = 6, _("Out-of-office reply")
    OPEN = 7, _("Opened")
    CLICK = 8, _("Clicked")
    ONE_CLICK = 9, _("One-click unsubscribe")
