"""The administrator's view of the rollups."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin, register_rest
from reports.models import WorkspaceDay


@admin.register(WorkspaceDay)
class WorkspaceDayAdmin(ReadOnlyAdmin):
    """Days of workspaces."""

    list_display = ("workspace", "day", "subscribers", "sent", "opened", "clicked", "unsubscribed")
    list_filter = ("workspace",)
    list_select_related = ("workspace",)


register_rest("reports")
