"""Migrations from other tools, taken in, checked and run as tasks do it."""

import io
from typing import Any

from accounts.models import Workspace
from subscribers.imports import steps
from subscribers.migrate_from import received_files, run
from subscribers.models import ToolMigration
from subscribers.states import ImportStatus


def taken_in(
    workspace: Workspace, source: str, *contents: tuple[str, str | bytes], **values: Any
) -> ToolMigration:
    """Take files in, given by name and content; nothing is checked yet."""
    uploads = [
        (name, io.BytesIO(content if isinstance(content, bytes) else content.encode()))
        for name, content in contents
    ]
    stored = received_files.store(uploads)
    return received_files.take(workspace, source=source, stored=stored, **values)


def checked(record):
    assert steps.start_check(record)
    assert run.check(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.status == ImportStatus.CHECKED
    return record


def moved(record):
    assert steps.start_run(record)
    assert run.run(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.status == ImportStatus.DONE
    return record


def settled(record):
    """Count the rows that have an outcome so far."""
    return sum(figures(record).values()) - record.rows


def figures(record):
    return {
        name: getattr(record, name)
        for name in (
            *("rows", "created", "updated", "unchanged", "kept_out", "suppressed", "invalid"),
            "duplicates",
        )
        if getattr(record, name)
    }
