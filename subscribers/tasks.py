"""Imports, search and segments in the background; each task may run twice at once."""

import time

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from subscribers import search
from subscribers.imports import run, steps
from subscribers.models import Import
from subscribers.segments import saving
from subscribers.segments.tree import InvalidRules
from subscribers.states import ImportStatus

SEARCH_SECONDS = 4.0
log = structlog.get_logger()


@shared_task
def check_import(import_id: int) -> None:
    """Find out what an import would do, without writing."""
    _guarded(import_id, check_only=True)


@shared_task
def run_import(import_id: int) -> None:
    """Write an import's people; goes on where an earlier run stopped."""
    _guarded(import_id, check_only=False)


@shared_task
def resume_imports() -> None:
    """Take up imports whose worker died: whoever still works on one holds its lock."""
    due = Import.objects.filter(status__in=[ImportStatus.CHECKING, ImportStatus.RUNNING])
    for import_id, status in due.values_list("pk", "status"):
        (check_import if status == ImportStatus.CHECKING else run_import).delay(import_id)


@shared_task
def forget_old_import_files() -> None:
    """Delete uploaded files whose time is up."""
    steps.forget_old_files()


@shared_task
def rebuild_search() -> None:
    """Bring what searching reads up to date, for some seconds at most; see `search`."""
    until = time.monotonic() + SEARCH_SECONDS
    while search.rebuild() and time.monotonic() < until:
        pass


@shared_task
def count_segments() -> None:
    """Count each segment once a day, for its chart and the list of segments."""
    for segment in saving.due():
        try:
            saving.recount(segment)
        except InvalidRules:
            log.info("segment.not_counted", segment_id=segment.pk)


def _guarded(import_id: int, *, check_only: bool) -> None:
    try:
        (run.check if check_only else run.run)(import_id)
    except FileNotFoundError:
        log.warning("import.file_gone", import_id=import_id)
        steps.fail(import_id, reason=_("The uploaded file is gone. Upload it again."))
    except Exception:
        steps.fail(
            import_id,
            reason=_("Something went wrong on our side; the log says what. You can start again."),
        )
        raise
