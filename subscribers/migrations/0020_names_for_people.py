"""Names that administrators and forms show; and forms that are put away."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0019_one_folding_of_case")]

    operations = [
        migrations.AlterModelOptions(
            name="subscribertally",
            options={
                "verbose_name": "subscriber count",
                "verbose_name_plural": "subscriber counts",
            },
        ),
        migrations.AlterModelOptions(
            name="subscriptiontally",
            options={
                "verbose_name": "subscription count",
                "verbose_name_plural": "subscription counts",
            },
        ),
        migrations.AlterModelOptions(
            name="tagtally",
            options={"verbose_name": "tag count", "verbose_name_plural": "tag counts"},
        ),
        migrations.AlterField(
            model_name="signupform",
            name="lists",
            field=models.ManyToManyField(
                related_name="signup_forms", to="subscribers.mailinglist", verbose_name="lists"
            ),
        ),
        migrations.AddField(
            model_name="signupform",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived"),
        ),
    ]
