"""Remember whose mail could not be filled in when that paused a campaign."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns of the dispatch, empty nearly always."""

    dependencies = [
        ("delivery", "0005_room_for_heap_only_updates"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="unfilled_subscriber",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="dispatch",
            name="unfilled_at",
            field=models.DateTimeField(null=True),
        ),
    ]
