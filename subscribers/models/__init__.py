"""People, lists, consent, fields, tags, segments, forms and imports."""

from subscribers.models.consent import (
    ConsentEvent,
    ConsentStatement,
    Retention,
    Suppression,
    SuppressionTally,
)
from subscribers.models.forms import SignupForm
from subscribers.models.imports import Import, ImportChange
from subscribers.models.lists import MailingList, Subscription, SubscriptionTally, new_public_id
from subscribers.models.moves import Move
from subscribers.models.people import CustomField, Subscriber, SubscriberTally, Tag, Tagging
from subscribers.models.segments import Segment

__all__ = [
    "ConsentEvent",
    "ConsentStatement",
    "CustomField",
    "Import",
    "ImportChange",
    "MailingList",
    "Move",
    "Retention",
    "Segment",
    "SignupForm",
    "Subscriber",
    "SubscriberTally",
    "Subscription",
    "SubscriptionTally",
    "Suppression",
    "SuppressionTally",
    "Tag",
    "Tagging",
    "new_public_id",
]
