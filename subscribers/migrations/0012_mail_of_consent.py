"""The Message-ID of the mail that was confirmed, in the consent ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0011_what_retention_walks")]
    operations = [
        migrations.AddField(
            model_name="consentevent",
            name="mail",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="mail"
            ),
        ),
    ]
