"""The lists that a campaign goes to, kept when it begins."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0009_sending_accounts_keys_and_warm_up")]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="lists",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), editable=False, null=True, size=None
            ),
        ),
    ]
