"""Keeps the rollups fresh."""

from celery import shared_task

from accounts.models import Workspace
from reports import removal, rollups


@shared_task
def rebuild_recent_days() -> None:
    """Rebuild today's and yesterday's figures of every workspace."""
    for workspace in Workspace.objects.order_by("pk").iterator():
        rollups.rebuild(workspace)


@shared_task
def remove_deleted_workspaces() -> None:
    """Remove what belongs to workspaces that their owners deleted."""
    for workspace in Workspace.objects.filter(deleted_at__isnull=False).order_by("pk"):
        removal.remove(workspace)
