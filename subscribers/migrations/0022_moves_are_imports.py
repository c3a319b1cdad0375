"""Migrations from other tools are imports: with undo, progress and kept files like theirs."""

from typing import Any

from django.db import migrations, models
from django.db.models import Value

from subscribers.states import SuppressionReason

SAME = (
    "workspace_id", "created_by_id", "created_at", "source", "files", "mailing_list_id",
    "statement_id", "reason", "status", "rows", "created", "updated", "unchanged", "kept_out",
    "suppressed", "invalid", "duplicates", "failure", "started_at", "finished_at",
)  # fmt: skip
LABELS = {
    "mailchimp": "Mailchimp audience export",
    "listmonk": "listmonk subscribers export",
    "listmonk_database": "listmonk database",
    "mautic": "Mautic contacts export",
    "suppressions": "Addresses not to write to",
}


def bring_over(apps: Any, _schema_editor: Any) -> None:
    """Make an import of each move. Without a size in its progress it is none that can be undone."""
    old, new = apps.get_model("subscribers", "Move"), apps.get_model("subscribers", "Import")
    for move in old.objects.order_by("pk").iterator():
        findings = dict(move.findings)
        problems = findings.pop("problems", [])
        record = new(
            filename=LABELS.get(move.source, move.source),
            rows_done=max(move.position, 0),
            flagged=findings | {"new_tags": findings.pop("tags", [])},
            problems=problems,
            errors_path=move.report_path,
            existing="fill",
            **{name: getattr(move, name) for name in SAME},
        )
        record.save()


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0021_leavings_counted_once")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="files",
            field=models.JSONField(
                db_default=Value([], models.JSONField()),
                default=list,
                editable=False,
                verbose_name="files",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="reason",
            field=models.CharField(
                choices=SuppressionReason.options,
                db_default="imported",
                default="imported",
                max_length=12,
                verbose_name="reason where none is given",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="kept_out",
            field=models.BigIntegerField(db_default=0, default=0, verbose_name="kept out"),
        ),
        migrations.RunPython(bring_over, migrations.RunPython.noop),
        migrations.DeleteModel(name="Move"),
        migrations.CreateModel(
            name="Move",
            fields=[],
            options={
                "verbose_name": "move",
                "verbose_name_plural": "moves",
                "ordering": ("-id",),
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("subscribers.import",),
        ),
    ]
