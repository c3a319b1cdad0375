"""Since when a message is being deferred. Null without a default: the table is not rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0010_lists_of_a_dispatch")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="deferred_since",
            field=models.DateTimeField(null=True, verbose_name="first deferred"),
        ),
    ]
