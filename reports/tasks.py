"""Keeps the rollups fresh, and removes what deleted workspaces leave."""

from celery import shared_task

from accounts.background import set_aside
from accounts.models import Workspace
from reports import rollups
from reports.workspace import removal


@shared_task
def rebuild_recent_days() -> None:
    """Bring every workspace's days up to date."""
    rollups.refresh()


@shared_task
def remove_deleted_workspaces() -> None:
    """Remove what belongs to workspaces that their owners deleted."""
    due = Workspace.objects.filter(deleted_at__isnull=False).order_by("pk")
    set_aside.each("deleting", due, removal.remove, name=lambda one: f"workspace {one.pk}")
