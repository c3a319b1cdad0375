"""What a content version was confirmed with; those that mail was sent with get today's values."""

from typing import Any

from django.db import migrations, models

PERSON_AND_SYSTEM_TAGS = {
    *("first_name", "last_name", "name", "email", "language"),
    *("workspace_name", "postal_address", "website"),
    *("unsubscribe_url", "preferences_url", "view_url"),
}


def keep_todays_values(apps: Any, _schema_editor: Any) -> None:
    """Write down what every frozen or scheduled version is compiled with until now."""
    Content = apps.get_model("campaigns", "Content")
    CustomField = apps.get_model("subscribers", "CustomField")
    chosen = models.Q(frozen_at__isnull=False) | models.Q(
        campaign__status="scheduled", campaign__content=models.F("pk")
    )
    fields = {}
    found = Content.objects.filter(chosen, frozen_with__isnull=True).order_by("pk")
    for content in (
        found.select_related("template", "campaign__workspace")
        .defer("source", "text")
        .iterator(200)
    ):
        workspace = content.campaign.workspace
        if workspace.pk not in fields:
            rows = CustomField.objects.filter(workspace=workspace).values_list("key", "type")
            fields[workspace.pk] = {
                key.replace("-", "_"): [key, kind]
                for key, kind in rows
                if key.replace("-", "_") not in PERSON_AND_SYSTEM_TAGS
            }
        kept = {
            "template": content.template.source if content.template else "",
            "brand": workspace.brand_colour,
            "language": workspace.default_language,
            "constants": {
                "workspace_name": workspace.name,
                "postal_address": workspace.postal_address,
                "website": workspace.website,
            },
            "fields": fields[workspace.pk],
        }
        Content.objects.filter(pk=content.pk).update(frozen_with=kept)


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0004_people_expected"),
        ("subscribers", "0015_letters_of_sign_ups"),
    ]

    operations = [
        migrations.AddField(
            model_name="content",
            name="frozen_with",
            field=models.JSONField(
                blank=True, editable=False, null=True, verbose_name="frozen with"
            ),
        ),
        migrations.RunPython(keep_todays_values, migrations.RunPython.noop),
    ]
