"""Sending accounts, the ledger, events, the sandbox."""

from delivery.models.accounts import FROM_SETTINGS, AccountDay, DomainLimit, SendingAccount, WarmUp
from delivery.models.bounces import (
    BounceException,
    BouncePolicy,
    FeedbackReceipt,
    HeldBack,
    ProviderAlarm,
    RefusalHour,
    SoftBounces,
)
from delivery.models.dkim import DkimKey
from delivery.models.engagement import Engagement
from delivery.models.events import (
    Event,
    EventTally,
    PersonDevice,
    StreamPosition,
    TrackingConsent,
    UnsubscribeReason,
    UserAgent,
)
from delivery.models.ledger import (
    ChangedDay,
    Claim,
    Dispatch,
    Message,
    MessageTally,
    SendMinute,
    ServerReply,
)
from delivery.models.returned import BounceMailbox, BounceReplay, ReturnedMail, WordRule
from delivery.models.sandbox import SandboxMessage
from delivery.models.webhooks import ProviderEvent, WebhookAddress

__all__ = [
    "FROM_SETTINGS",
    "AccountDay",
    "BounceException",
    "BounceMailbox",
    "BouncePolicy",
    "BounceReplay",
    "ChangedDay",
    "Claim",
    "Dispatch",
    "DkimKey",
    "DomainLimit",
    "Engagement",
    "Event",
    "EventTally",
    "FeedbackReceipt",
    "HeldBack",
    "Message",
    "MessageTally",
    "PersonDevice",
    "ProviderAlarm",
    "ProviderEvent",
    "RefusalHour",
    "ReturnedMail",
    "SandboxMessage",
    "SendMinute",
    "SendingAccount",
    "ServerReply",
    "SoftBounces",
    "StreamPosition",
    "TrackingConsent",
    "UnsubscribeReason",
    "UserAgent",
    "WarmUp",
    "WebhookAddress",
    "WordRule",
]
