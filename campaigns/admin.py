"""The administrator's view of campaigns and templates."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin, register_rest
from campaigns.models import Campaign, Content, Link, Template


@admin.register(Template)
class TemplateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Templates."""

    list_display = ("name", "workspace", "is_default", "updated_at")
    list_filter = ("is_default", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name",)
    readonly_fields = ("created_at", "updated_at")


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    """Campaigns. Pausing and cancelling are the dashboard's and the commands' work."""

    list_display = ("name", "workspace", "status", "send_at", "started_at", "finished_at")
    list_filter = ("status", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")


@admin.register(Content)
class ContentAdmin(ReadOnlyAdmin):
    """Versions of campaigns' writing."""

    list_display = ("subject", "campaign", "version", "kind", "frozen_at", "created_at")
    list_filter = ("kind",)
    list_select_related = ("campaign",)
    search_fields = ("subject", "campaign__name")


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    """Links that clicks may lead to."""

    list_display = ("url", "ordinal", "campaign")
    list_select_related = ("campaign",)
    search_fields = ("url", "campaign__name")


register_rest("campaigns")
