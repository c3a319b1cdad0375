"""A workspace that its owner deleted is closed at once, and removed in the background."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_system_mail_and_what_was_set_aside")]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="deleted"
            ),
        ),
    ]
