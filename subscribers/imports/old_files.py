"""Stored files of imports whose time is up, and which files imports still name."""

from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import set_aside
from subscribers.imports import files
from subscribers.models import Import
from subscribers.states import ImportStatus


def forget_old_files() -> int:
    """Delete the files of imports whose time is up; returns how many. The figures stay."""
    began = Coalesce("finished_at", "started_at", "created_at")
    due = (
        Import.objects.annotate(began=began)
        .filter(began__lt=timezone.now() - files.KEPT_FOR)
        .exclude(path="", errors_path="")
        .exclude(status=ImportStatus.UNDOING)
    )
    old = due.only("id", "path", "errors_path").iterator()
    return set_aside.each("old files", old, _forget_file, name=lambda one: f"import {one.pk}")


def _forget_file(record: Import) -> None:
    files.discard(record.path, record.errors_path)
    Import.objects.filter(pk=record.pk).update(
        path="", errors_path="", samples=[], problems=[], value_counts={}
    )
    record.changes.all().delete()


def known_paths() -> set[str]:
    """Return the places of all files that imports name."""
    rows = Import.objects.exclude(path="", errors_path="").values_list("path", "errors_path")
    return {path for row in rows for path in row}
