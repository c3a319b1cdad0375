"""States of a subscription, kinds of consent events, and what may follow what."""

from enum import IntFlag

from django.utils.translation import gettext_lazy as _

from accounts.choices import IntegerOptions, TextOptions


class SubscriptionStatus(TextOptions):
    """A person's consent to one list, now."""

    UNCONFIRMED = "unconfirmed", _("Unconfirmed")  # asked to join, has not confirmed by mail
    SUBSCRIBED = "subscribed", _("Subscribed")
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")


# Who may move a subscription where. An import never undoes an unsubscription; only the person may.
TRANSITIONS: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    SubscriptionStatus.UNCONFIRMED: frozenset(
        {SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.UNSUBSCRIBED}
    ),
    SubscriptionStatus.SUBSCRIBED: frozenset(
        # Unconfirmed again: another address, which has agreed to nothing yet.
        {SubscriptionStatus.UNSUBSCRIBED, SubscriptionStatus.UNCONFIRMED}
    ),
    SubscriptionStatus.UNSUBSCRIBED: frozenset(
        {SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.UNCONFIRMED}
    ),
}


class ConsentKind(TextOptions):
    """What happened to a person's consent."""

    ASKED = "asked", _("Asked to join")  # sign-up on a double opt-in list
    CONFIRMED = "confirmed", _("Confirmed by email")
    SUBSCRIBED = "subscribed", _("Subscribed")
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
    RESUBSCRIBED = "resubscribed", _("Subscribed again")
    TAKEN_BACK = "taken_back", _("Removed: what put them there was undone")
    # The person's own act that changed nothing; no undo passes over it.
    WISHED_AGAIN = "wished_again", _("Asked to join again")
    LEFT_AGAIN = "left_again", _("Unsubscribed again")
    # An import that gave it was undone, and a later one had given it, too.
    GIVEN_AGAIN = "given_again", _("Kept: another import says so, too")


class ConsentSource(TextOptions):
    """How a consent event came about."""

    FORM = "form", _("Signup form")
    IMPORT = "import", _("Import")
    MANUAL = "manual", _("Entered by a member")
    API = "api", _("API")
    PREFERENCES = "preferences", _("Preference centre")
    UNSUBSCRIBE_PAGE = "unsubscribe_page", _("Unsubscribe page")
    ONE_CLICK = "one_click", _("Unsubscribe button of the email app")
    COMPLAINT = "complaint", _("Spam complaint")
    BOUNCE = "bounce", _("Bounce")
    PROVIDER = "provider", _("Unsubscribed through the email provider")
    MAIL = "mail", _("Unsubscribed by sending an email")
    DEMO = "demo", _("Demo data")


class SuppressionReason(TextOptions):
    """Why an address must not be written to."""

    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed from everything")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Reported as spam")
    MANUAL = "manual", _("Added by a member")
    IMPORTED = "imported", _("Imported")
    ERASED = "erased", _("Erased on request")


class DomainGroup(IntegerOptions):
    """Whose servers receive a person's mail, by the address's domain (a lane when sending)."""

    OTHER = 0, _("Others")
    GMAIL = 1, _("Gmail")
    OUTLOOK = 2, _("Outlook")
    YAHOO = 3, _("Yahoo")
    APPLE = 4, _("Apple")
    COMCAST = 5, _("Comcast")
    GMX = 6, _("GMX and web.de")
    ORANGE = 7, _("Orange")


class ImportStatus(TextOptions):
    """Where an import stands."""

    UPLOADED = "uploaded", _("Uploaded")
    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Checked")
    RUNNING = "running", _("Importing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


class ExistingPeople(TextOptions):
    """What an import does with people whom the workspace knows already."""

    OVERWRITE = "overwrite", _("Update them; an empty cell erases nothing")
    FILL = "fill", _("Fill empty fields only")
    SKIP = "skip", _("Leave them as they are, on no new list, unless the file says that they left")


class MigrationSource(TextOptions):
    """The tool that people are moved from, by what it hands out."""

    MAILCHIMP = "mailchimp", _("Mailchimp audience export")
    LISTMONK = "listmonk", _("listmonk subscribers export")
    LISTMONK_DATABASE = "listmonk_database", _("listmonk database")
    MAUTIC = "mautic", _("Mautic contacts export")
    SUPPRESSIONS = "suppressions", _("Addresses not to write to")


class FieldType(TextOptions):
    """The type of a custom field's values."""

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    BOOLEAN = "boolean", _("Yes or no")
    CHOICE = "choice", _("Choice")
    MULTI_CHOICE = "multi_choice", _("Several choices")
    URL = "url", _("Web address")


class Frequency(IntegerOptions):
    """How often a person wants campaigns at most; the number is days between two. Never renumber.

    Mail that they asked for themselves (confirmations) is never held back.
    """

    ALL = 0, _("Every email")
    WEEKLY = 7, _("At most one a week")
    MONTHLY = 30, _("At most one a month")


class AddressFlag(IntFlag):
    """What was noticed about an address: bits of `Subscriber.address_flags`. Never renumber."""

    ROLE = 1  # info@, sales@: read by several people
    DISPOSABLE = 2  # a domain that gives addresses for an hour
    TYPO = 4  # a domain one letter away from a large one
    NO_MAIL_SERVER = 8  # its domain takes no mail (no MX and no address record, or a null MX)


class FieldVisibility(TextOptions):
    """What a person sees of a custom field in their preferences."""

    HIDDEN = "hidden", _("Hidden")
    SHOWN = "shown", _("Shown")
    EDITABLE = "editable", _("Shown, and they may change it")


class BulkKind(TextOptions):
    """What one action does with many people, or with a field's values of many people."""

    ADD_TAG = "add_tag", _("Add a tag")
    REMOVE_TAG = "remove_tag", _("Remove a tag")
    SUBSCRIBE = "subscribe", _("Add to a list")
    UNSUBSCRIBE = "unsubscribe", _("Remove from a list")
    ASK_AGAIN = "ask_again", _("Ask again to confirm")
    SUPPRESS = "suppress", _("Suppress: never write again")
    DELETE = "delete", _("Delete")
    ERASE = "erase", _("Erase permanently")
    MERGE_TAG = "merge_tag", _("Merge tags")
    COPY_FIELD = "copy_field", _("Rename a merge tag")
    DROP_FIELD = "drop_field", _("Remove a field's values")
    REPLACE_CHOICE = "replace_choice", _("Replace a choice")


class BulkStatus(TextOptions):
    """Where an action on many people stands."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")


class DuplicateKind(TextOptions):
    """Why people look like one person."""

    ADDRESS = "address", _("Same mailbox")  # but for dots or a plus-tag
    NAME = "name", _("Same name at the same company")


class MailServer(IntegerOptions):
    """What the DNS says about a domain's mail server."""

    UNKNOWN = 0, _("Not known")  # no answer in time, or the name server is in trouble
    FOUND = 1, _("Accepts email")
    NONE = 2, _("Does not accept email")
