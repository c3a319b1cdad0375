"""Brings the schema up to date so that it may be interrupted at any moment.

What the command `migrate` does, with two differences: a migration and the note that it was applied
are one transaction, and one that can be in no transaction is finished before anybody is let go.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class WholeExecutor(MigrationExecutor):
    """Applies each migration whole, or not at all."""

    def apply_migration(
        self, state: ProjectState, migration: Any, *args: Any, **options: Any
    ) -> ProjectState:
        """Apply one and note it."""
        whole: Callable[[], Any] = transaction.atomic if migration.atomic else uninterrupted
        with whole():
            return super().apply_migration(state, migration, *args, **options)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep signals that would stop us until the end of the block."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def migrate() -> int:
    """Apply what is pending, and return how many migrations that were."""
    executor: Any = WholeExecutor(connection)
    executor.loader.check_consistent_history(connection)
    leaves = executor.loader.graph.leaf_nodes()
    plan = executor.migration_plan(leaves)
    if plan:
        before = executor._create_project_state(with_applied_migrations=True)  # noqa: SLF001 - as `migrate` does
        emit_pre_migrate_signal(
            0, interactive=False, db=connection.alias, apps=before.apps, plan=plan
        )
        executor.migrate(leaves, plan=plan, state=before.clone())
    if plan or _lacks_permissions():
        emit_post_migrate_signal(0, interactive=False, db=connection.alias, apps=apps, plan=plan)
    return len(plan)


def _lacks_permissions() -> bool:
    """Say whether somebody was stopped after the schema and before what stands beside it."""
    wanted = sum(
        len(model._meta.default_permissions) + len(model._meta.permissions)  # noqa: SLF001 - Django's public name
        for model in apps.get_models()
    )
    return Permission.objects.count() < wanted
