"""Keeps the rollups fresh."""

from celery import shared_task

from accounts.models import Workspace
from reports import rollups


@shared_task
def rebuild_recent_days() -> None:
    """Rebuild today's and yesterday's figures of every workspace."""
    for workspace in Workspace.objects.order_by("pk").iterator():
        rollups.rebuild(workspace)
