"""Since when a message is being deferred. Null without a default: the table is not rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0011_claims_of_one_mailbox_provider")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="deferred_since",
            field=models.DateTimeField(null=True, verbose_name="first deferred"),
        ),
    ]
