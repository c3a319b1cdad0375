"""Imports know the tool that a file is from, and count the values that say who may be emailed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0017_imports_of_any_file")]
    operations = [
        migrations.AddField(
            model_name="import",
            name="source",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=20, verbose_name="from"
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="value_counts",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
    ]
