"""Imports in the background; each task may run twice at once, the import has a lock."""

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from subscribers.imports import run, steps
from subscribers.models import Import
from subscribers.states import ImportStatus

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
