"""A workspace that its owner deleted is closed at once, and removed in the background."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_people_columns_and_mail_servers")]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="deleted"
            ),
        ),
    ]
