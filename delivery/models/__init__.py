"""Sending accounts, the ledger, events, the sandbox."""

from delivery.models.accounts import FROM_SETTINGS, AccountDay, DomainLimit, SendingAccount, WarmUp
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
from delivery.models.sandbox import SandboxMessage

__all__ = [
    "FROM_SETTINGS",
    "AccountDay",
    "ChangedDay",
    "Claim",
    "Dispatch",
    "DkimKey",
    "DomainLimit",
    "Engagement",
    "Event",
    "EventTally",
    "Message",
    "MessageTally",
    "PersonDevice",
    "SandboxMessage",
    "SendMinute",
    "SendingAccount",
    "ServerReply",
    "StreamPosition",
    "TrackingConsent",
    "UnsubscribeReason",
    "UserAgent",
    "WarmUp",
]
