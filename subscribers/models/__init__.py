"""People, lists, consent, fields, tags, segments, forms and imports."""

from subscribers.models.consent import ConsentEvent, ConsentStatement, Suppression
from subscribers.models.forms import SignupForm
from subscribers.models.imports import Import, ImportChange
from subscribers.models.lists import MailingList, Subscription, SubscriptionTally, new_public_id
from subscribers.models.people import CustomField, Subscriber, SubscriberTally, Tag, Tagging
from subscribers.models.search import SearchBlock, SearchMark
from subscribers.models.segments import Segment, SegmentDay

__all__ = [
    "ConsentEvent",
    "ConsentStatement",
    "CustomField",
    "Import",
    "ImportChange",
    "MailingList",
    "SearchBlock",
    "SearchMark",
    "Segment",
    "SegmentDay",
    "SignupForm",
    "Subscriber",
    "SubscriberTally",
    "Subscription",
    "SubscriptionTally",
    "Suppression",
    "Tag",
    "Tagging",
    "new_public_id",
]
