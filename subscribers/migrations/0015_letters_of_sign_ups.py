from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0014_wishes_that_last")]

    operations = [
        migrations.AddField(
            model_name="signuprequest",
            name="letter",
            field=models.JSONField(blank=True, null=True, verbose_name="mail still to be queued"),
        ),
    ]
