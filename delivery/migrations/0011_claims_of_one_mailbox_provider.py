"""Claims whose people are all at one mailbox provider that takes only so many at a time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0010_lists_of_a_dispatch")]

    operations = [
        migrations.AddField(
            model_name="claim",
            name="domain_group",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="mailbox provider"),
        ),
    ]
