"""People on their way here from another tool."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from subscribers.models.imports import Import
from subscribers.states import MigrationSource


class ToolMigrationManager(models.Manager["ToolMigration"]):
    """Imports that are migrations."""

    def get_queryset(self) -> models.QuerySet["ToolMigration"]:
        """Leave out imports of files."""
        return super().get_queryset().filter(source__in=MigrationSource.values)


class ToolMigration(Import):
    """An import of what another tool handed out: taken, checked without writing, then merged.

    Its reader knows the tool, so there is no mapping; known people keep what is known. A row has
    one outcome: created + updated + unchanged + kept_out + suppressed + invalid + duplicates =
    rows. ``flagged`` holds counts and names for people (`migrate_from.report`), ``errors_path`` the
    file of every row left out.
    """

    objects = ToolMigrationManager()  # type: ignore[assignment,misc]  # a narrower one than its parent's

    class Meta:
        proxy = True
        verbose_name = _("migration")
        verbose_name_plural = _("migrations")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_source_display()} #{self.pk}"

    def get_source_display(self) -> str:
        """Name the tool, for people."""
        return str(MigrationSource(self.source).label)
