"""People, lists, consent, fields, tags, segments, forms, imports, and actions on many people."""

from subscribers.models.bulk import BulkAction, BulkChange
from subscribers.models.consent import ConsentEvent, ConsentStatement, Suppression
from subscribers.models.domains import MailDomain
from subscribers.models.duplicates import DuplicateGroup, DuplicateSearch, MergedPerson
from subscribers.models.forms import FormField, FormStatement, SignupForm, SignupTally
from subscribers.models.imports import Import, ImportChange
from subscribers.models.lists import (
    ListDay,
    MailingList,
    Subscription,
    SubscriptionTally,
    new_public_id,
)
from subscribers.models.people import (
    CustomField,
    Subscriber,
    SubscriberTally,
    Tag,
    Tagging,
    TagTally,
    UniqueValue,
)
from subscribers.models.segments import Segment
from subscribers.models.signups import SignupBrake, SignupRequest
from subscribers.models.texts import PublicText

__all__ = [
    "BulkAction",
    "BulkChange",
    "ConsentEvent",
    "ConsentStatement",
    "CustomField",
    "DuplicateGroup",
    "DuplicateSearch",
    "FormField",
    "FormStatement",
    "Import",
    "ImportChange",
    "ListDay",
    "MailDomain",
    "MailingList",
    "MergedPerson",
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
    "TagTally",
    "Tagging",
    "UniqueValue",
    "new_public_id",
]
