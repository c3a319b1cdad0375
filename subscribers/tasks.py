"""Imports in the background; each task may run twice at once, the import has a lock."""

from dataclasses import asdict

import structlog
from celery import shared_task
from django.db import transaction
from django.utils.translation import gettext as _

from subscribers.imports import asking, run, steps, undo
from subscribers.models import Import
from subscribers.signup_tasks import send_signup_mail
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
def undo_import(import_id: int) -> None:
    """Undo an import; goes on where an earlier run stopped."""
    undo.run(import_id)


@shared_task
def ask_imported(import_id: int) -> None:
    """Mail some people of an import who still have to confirm; beat comes back for the others."""
    with transaction.atomic():
        for question in asking.take(import_id):
            send_signup_mail.delay_on_commit(  # type: ignore[attr-defined]  # as in views.signup
                **asdict(question)
            )


WORK = {
    ImportStatus.CHECKING: check_import,
    ImportStatus.RUNNING: run_import,
    ImportStatus.UNDOING: undo_import,
}


@shared_task
def resume_imports() -> None:
    """Take up imports whose worker died: whoever still works on one holds its lock."""
    due = Import.objects.filter(status__in=list(WORK))
    for import_id, status in due.values_list("pk", "status"):
        WORK[ImportStatus(status)].delay(import_id)
    for import_id in asking.due():
        ask_imported.delay(import_id)


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
