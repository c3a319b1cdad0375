"""People, lists, consent, fields, tags, segments, forms and imports."""

from subscribers.models.bulk import BulkAction, BulkChange
from subscribers.models.consent import (
    ConsentEvent,
    ConsentStatement,
    Retention,
    Suppression,
    SuppressionTally,
)
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
from subscribers.models.search import SearchBlock, SearchMark
from subscribers.models.segments import Segment, SegmentDay
from subscribers.models.signups import SignupBrake, SignupRequest
from subscribers.models.texts import PublicText
from subscribers.models.tool_migrations import ToolMigration

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
    "Retention",
    "SearchBlock",
    "SearchMark",
    "Segment",
    "SegmentDay",
    "SignupBrake",
    "SignupForm",
    "SignupRequest",
    "SignupTally",
    "Subscriber",
    "SubscriberTally",
    "Subscription",
    "SubscriptionTally",
    "Suppression",
    "SuppressionTally",
    "Tag",
    "TagTally",
    "Tagging",
    "ToolMigration",
    "UniqueValue",
    "new_public_id",
]
