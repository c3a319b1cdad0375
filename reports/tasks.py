"""Keeps the rollups fresh."""

from celery import shared_task

from reports import rollups


@shared_task
def rebuild_recent_days() -> None:
    """Bring every workspace's days up to date."""
    rollups.refresh()
