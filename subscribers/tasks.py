"""Imports in the background; each task may run twice at once, the import has a lock."""

import structlog
from celery import shared_task
from django.utils.translation import gettext as _

from subscribers import retention
from subscribers.imports import run, steps
from subscribers.models import Import, Move
from subscribers.moving import run as moving
from subscribers.moving import taking
from subscribers.moving.arrivals import SourceRefused
from subscribers.states import ImportStatus, MoveSource

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
    taking.forget_old_files()


@shared_task
def check_move(move_id: int) -> None:
    """Find out what a move from another tool would do, without writing."""
    _guarded_move(move_id, check_only=True)


@shared_task
def run_move(move_id: int) -> None:
    """Merge what another tool handed out; goes on where an earlier run stopped."""
    _guarded_move(move_id, check_only=False)


@shared_task
def resume_moves() -> None:
    """Take up moves whose worker died; a database is read by a command, which starts it again."""
    due = Move.objects.filter(status__in=[ImportStatus.CHECKING, ImportStatus.RUNNING])
    due = due.exclude(source=MoveSource.LISTMONK_DATABASE)
    for move_id, status in due.values_list("pk", "status"):
        (check_move if status == ImportStatus.CHECKING else run_move).delay(move_id)


@shared_task
def apply_retention() -> None:
    """Forget what the workspaces' rules say, in batches."""
    retention.apply_all()


def _guarded_move(move_id: int, *, check_only: bool) -> None:
    try:
        (moving.check if check_only else moving.run)(move_id, taking.opener)
    except SourceRefused as refused:
        taking.fail(move_id, reason=str(refused))
    except FileNotFoundError:
        log.warning("move.file_gone", move_id=move_id)
        taking.fail(move_id, reason=_("The uploaded file is gone. Upload it again."))
    except Exception:
        taking.fail(
            move_id,
            reason=_("Something went wrong on our side; the log says what. You can start again."),
        )
        raise


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
