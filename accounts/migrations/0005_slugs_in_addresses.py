"""Slugs stand in addresses: remember former ones, free the words that our pages begin with."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils.text import slugify

from accounts.workspaces.workspace_urls import RESERVED_WORDS, SLUG


def give_addressable_slugs(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001
    """Rename what could not be reached: reserved words, capitals, a leading underscore."""
    workspaces = apps.get_model("accounts", "Workspace").objects
    for workspace in workspaces.all():
        if SLUG.fullmatch(workspace.slug) and workspace.slug not in RESERVED_WORDS:
            continue
        base = slugify(workspace.slug).strip("-_")[:50] or "workspace"
        slug, number = base, 2
        while slug in RESERVED_WORDS or workspaces.filter(slug=slug).exists():
            slug, number = f"{base}-{number}", number + 1
        workspaces.filter(pk=workspace.pk).update(slug=slug)


class Migration(migrations.Migration):
    """Add the table of former slugs; rename slugs that no address can begin with."""

    dependencies = [("accounts", "0004_a_workspace_keeps_an_owner")]

    operations = [
        migrations.CreateModel(
            name="FormerSlug",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60, unique=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_slugs",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={"verbose_name": "former slug", "verbose_name_plural": "former slugs"},
        ),
        migrations.RunPython(give_addressable_slugs, migrations.RunPython.noop),
    ]
