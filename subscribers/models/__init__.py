"""People, lists, consent, fields, tags, segments, forms and imports."""

from subscribers.models.consent import ConsentEvent, ConsentStatement, Suppression
from subscribers.models.forms import FormField, FormStatement, SignupForm, SignupTally
from subscribers.models.imports import Import, ImportChange
from subscribers.models.lists import MailingList, Subscription, SubscriptionTally, new_public_id
from subscribers.models.people import CustomField, Subscriber, SubscriberTally, Tag, Tagging
from subscribers.models.segments import Segment
from subscribers.models.signups import SignupBrake, SignupRequest
from subscribers.models.texts import PublicText

__all__ = [
    "ConsentEvent",
    "ConsentStatement",
    "CustomField",
    "FormField",
    "FormStatement",
    "Import",
    "ImportChange",
    "MailingList",
    "PublicText",
    "Segment",
    "SignupBrake",
    "SignupForm",
    "SignupRequest",
    "SignupTally",
    "Subscriber",
    "SubscriberTally",
    "Subscription",
    "SubscriptionTally",
    "Suppression",
    "Tag",
    "Tagging",
    "new_public_id",
]
