"""The administrator's view of people, lists and consent."""

from django.contrib import admin

from accounts.admin import LargeTableAdmin, ReadOnlyAdmin, register_rest
from subscribers.models import (
    ConsentEvent,
    ConsentStatement,
    CustomField,
    Import,
    MailingList,
    SignupForm,
    Subscriber,
    SubscriberTally,
    Subscription,
    SubscriptionTally,
    Suppression,
)


@admin.register(Subscriber)
class SubscriberAdmin(LargeTableAdmin):
    """People. Changes go through the dashboard, which keeps the consent ledger."""

    list_display = ("email", "first_name", "last_name", "workspace", "domain_group", "created_at")
    list_filter = ("workspace", "domain_group")
    list_select_related = ("workspace",)
    search_fields = ("email_key__startswith",)
    exclude = ("address_hash",)


@admin.register(Subscription)
class SubscriptionAdmin(LargeTableAdmin):
    """Who joined which list."""

    list_display = ("subscriber", "list", "status", "changed_at")
    list_filter = ("status",)
    list_select_related = ("subscriber", "list")
    search_fields = ("subscriber__email_key__startswith",)


@admin.register(ConsentEvent)
class ConsentEventAdmin(LargeTableAdmin):
    """The consent ledger."""

    list_display = ("at", "subscriber", "list", "kind", "source", "actor")
    list_filter = ("kind", "source")
    list_select_related = ("subscriber", "list", "actor")
    search_fields = ("subscriber__email_key__startswith",)


@admin.register(ConsentStatement)
class ConsentStatementAdmin(ReadOnlyAdmin):
    """Texts people agreed to."""

    list_display = ("text", "workspace", "created_at")
    list_select_related = ("workspace",)
    search_fields = ("text",)


@admin.register(MailingList)
class MailingListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Lists."""

    list_display = ("name", "workspace", "visibility", "opt_in", "archived_at", "created_at")
    list_filter = ("visibility", "opt_in", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    readonly_fields = ("public_id", "created_at")


@admin.register(CustomField)
class CustomFieldAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Custom fields."""

    list_display = ("label", "key", "type", "workspace", "position")
    list_filter = ("type", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("label", "key")


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Addresses that must not be written to."""

    list_display = ("email_key", "workspace", "reason", "detail", "created_at")
    list_filter = ("reason", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("email_key",)
    exclude = ("address_hash",)


@admin.register(SignupForm)
class SignupFormAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Signup forms."""

    list_display = ("name", "workspace", "title", "is_active", "created_at")
    list_filter = ("is_active", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "title")
    filter_horizontal = ("lists",)
    readonly_fields = ("public_id", "created_at")


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """Imports and how they went."""

    list_display = (
        "filename",
        "workspace",
        "status",
        "rows",
        "created",
        "updated",
        "invalid",
        "suppressed",
        "created_at",
    )
    list_filter = ("status", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("filename",)


@admin.register(SubscriptionTally)
class SubscriptionTallyAdmin(ReadOnlyAdmin):
    """Counts kept by the database."""

    list_display = ("list", "status", "count")
    list_filter = ("status",)
    list_select_related = ("list",)


@admin.register(SubscriberTally)
class SubscriberTallyAdmin(ReadOnlyAdmin):
    """Counts kept by the database."""

    list_display = ("workspace", "count")
    list_select_related = ("workspace",)


register_rest("subscribers")
