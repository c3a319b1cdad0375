"""Forms that were sent, so that each does once what it does."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the table."""

    dependencies = [("accounts", "0006_revisions")]

    operations = [
        migrations.CreateModel(
            name="Press",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("location", models.CharField(blank=True, max_length=2000)),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={"verbose_name": "sent form", "verbose_name_plural": "sent forms"},
        ),
    ]
