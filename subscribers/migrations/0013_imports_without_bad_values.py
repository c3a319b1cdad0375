"""Whether people come in without the values of custom fields that can't be read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0012_mail_of_consent")]
    operations = [
        migrations.AddField(
            model_name="import",
            name="drops_values",
            field=models.BooleanField(
                db_default=False,
                default=False,
                verbose_name="leave values out that can't be read",
            ),
        ),
    ]
