"""In which zone a day was counted, and when: days of another zone and missed ones are rebuilt."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="workspaceday",
            name="rebuilt_at",
            field=models.DateTimeField(null=True, verbose_name="counted"),
        ),
        migrations.AddField(
            model_name="workspaceday",
            name="zone",
            field=models.CharField(
                default="", db_default="", max_length=64, verbose_name="time zone"
            ),
        ),
    ]
