"""Sending accounts, the ledger, events, the sandbox."""

from delivery.models.accounts import DomainLimit, SendingAccount
from delivery.models.engagement import Engagement
from delivery.models.events import Event, EventTally, StreamPosition, UnsubscribeReason, UserAgent
from delivery.models.ledger import Claim, Dispatch, Message, MessageTally, SendMinute, ServerReply
from delivery.models.sandbox import SandboxMessage

__all__ = [
    "Claim",
    "Dispatch",
    "DomainLimit",
    "Engagement",
    "Event",
    "EventTally",
    "Message",
    "MessageTally",
    "SandboxMessage",
    "SendMinute",
    "SendingAccount",
    "ServerReply",
    "StreamPosition",
    "UnsubscribeReason",
    "UserAgent",
]
