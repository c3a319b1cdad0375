from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_api_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="people_columns",
            field=models.JSONField(
                blank=True, editable=False, null=True, verbose_name="columns of the list of people"
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="check_mail_servers",
            field=models.BooleanField(
                db_default=False,
                default=False,
                verbose_name="ask the DNS whether people's domains take mail",
            ),
        ),
    ]
