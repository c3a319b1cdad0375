"""Starters that nobody changed take the workspace's colour from now on, not the one it had once."""

from typing import Any

from django.db import migrations

from campaigns.starters import STARTERS, source_of

TAG = "{{ brand_colour }}"


def follow(apps: Any, _schema_editor: Any) -> None:
    """Put the tag where the colour was written."""
    Template = apps.get_model("campaigns", "Template")
    sources = [source for source in map(source_of, STARTERS) if TAG in source]
    templates = Template.objects.filter(source__startswith="<mjml").select_related("workspace")
    for template in templates.iterator():
        colours = {template.workspace.brand_colour, "#0f6e63"}
        for source in sources:
            if template.source in {source.replace(TAG, colour) for colour in colours}:
                Template.objects.filter(pk=template.pk, source=template.source).update(
                    source=source
                )


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_campaigns_that_are_archived")]

    operations = [migrations.RunPython(follow, migrations.RunPython.noop)]
