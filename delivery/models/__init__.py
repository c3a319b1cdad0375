"""Sending accounts, the ledger, events, the sandbox."""

from delivery.models.accounts import FROM_SETTINGS, AccountDay, DomainLimit, SendingAccount, WarmUp
from delivery.models.dkim import DkimKey
from delivery.models.engagement import Engagement
from delivery.models.events import Event, EventTally, StreamPosition, UnsubscribeReason, UserAgent
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

__all__ = [
    "FROM_SETTINGS",
    "AccountDay",
    "BounceMailbox",
    "BounceReplay",
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
    "ReturnedMail",
    "SandboxMessage",
    "SendMinute",
    "SendingAccount",
    "ServerReply",
    "StreamPosition",
    "UnsubscribeReason",
    "UserAgent",
    "WarmUp",
    "WordRule",
]
