"""How many people a campaign was for when its sending was confirmed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_segments_in_audiences")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="expected",
            field=models.PositiveIntegerField(
                editable=False, null=True, verbose_name="people expected"
            ),
        ),
    ]
