"""The administrator's view of sending accounts and of the ledger, which nobody edits by hand."""

from django.contrib import admin

from accounts.admin import LargeTableAdmin, ReadOnlyAdmin, register_rest
from delivery.models import (
    Claim,
    Dispatch,
    DomainLimit,
    Event,
    EventTally,
    Message,
    MessageTally,
    SandboxMessage,
    SendingAccount,
    SendMinute,
    ServerReply,
    UnsubscribeReason,
    UserAgent,
)


class DomainLimitInline(admin.TabularInline):  # type: ignore[type-arg]  # generic only for the type checker
    """An account's limits by mailbox provider."""

    model = DomainLimit
    extra = 0


@admin.register(SendingAccount)
class SendingAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Sending accounts. Passwords are set in the dashboard, where they are encrypted."""

    list_display = ("name", "workspace", "kind", "host", "port", "broken_since", "retry_at")
    list_filter = ("kind", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "host", "workspace__name")
    inlines = (DomainLimitInline,)
    readonly_fields = ("broken_since", "broken_reason", "retry_at", "tested_at", "created_at")


@admin.register(Message)
class MessageAdmin(LargeTableAdmin):
    """The ledger: one row per recipient per campaign."""

    list_display = ("id", "campaign", "subscriber", "state", "reason", "attempts", "attempted_at")
    list_filter = ("state",)
    list_select_related = ("campaign", "subscriber")
    search_fields = ("=id",)
    search_help_text = "id"


@admin.register(Event)
class EventAdmin(LargeTableAdmin):
    """What providers and readers did."""

    list_display = ("at", "kind", "agent", "campaign", "message", "link_ordinal")
    list_filter = ("kind", "agent")
    list_select_related = ("campaign", "message")
    search_fields = ("=message__id",)


@admin.register(Claim)
class ClaimAdmin(LargeTableAdmin):
    """Which worker owns which messages."""

    list_display = ("id", "campaign", "state", "worker", "held_until", "not_before", "waiting_for")
    list_filter = ("state",)
    list_select_related = ("campaign",)


@admin.register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    """Campaigns as the engine sees them."""

    list_display = ("campaign", "account", "planned_through", "planning_done_at", "render_errors")
    list_select_related = ("campaign", "account")


@admin.register(MessageTally)
class MessageTallyAdmin(ReadOnlyAdmin):
    """Counts by state."""

    list_display = ("campaign", "state", "reason", "domain_group", "shard", "count")
    list_filter = ("state",)
    list_select_related = ("campaign",)


@admin.register(SendMinute)
class SendMinuteAdmin(ReadOnlyAdmin):
    """Outcomes by minute."""

    list_display = ("campaign", "minute", "domain_group", "sent", "deferred", "failed")
    list_select_related = ("campaign",)
    ordering = ("-id",)


@admin.register(EventTally)
class EventTallyAdmin(ReadOnlyAdmin):
    """Counts by event."""

    list_display = ("campaign", "kind", "agent", "link_ordinal", "total", "unique")
    list_filter = ("kind", "agent")
    list_select_related = ("campaign",)


@admin.register(ServerReply)
class ServerReplyAdmin(LargeTableAdmin):
    """What servers said."""

    list_display = ("code", "enhanced", "text")
    search_fields = ("text",)
    exclude = ("hash",)


@admin.register(UserAgent)
class UserAgentAdmin(LargeTableAdmin):
    """Browsers and mail programs that were seen."""

    list_display = ("text",)
    search_fields = ("text",)
    exclude = ("hash",)


@admin.register(UnsubscribeReason)
class UnsubscribeReasonAdmin(ReadOnlyAdmin):
    """Why people left."""

    list_display = ("answer", "campaign", "at")
    list_filter = ("answer",)
    list_select_related = ("campaign",)


@admin.register(SandboxMessage)
class SandboxMessageAdmin(LargeTableAdmin):
    """Mail that the sandbox kept."""

    list_display = ("received_at", "workspace", "envelope_to", "subject", "size")
    list_filter = ("workspace",)
    list_select_related = ("workspace",)
    exclude = ("raw",)


register_rest("delivery")
