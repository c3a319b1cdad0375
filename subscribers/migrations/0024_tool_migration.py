"""The proxy of imports that come from other tools gets the word that pages use."""

from django.db import migrations


class Migration(migrations.Migration):
    """Rename it; it has no table of its own."""

    dependencies = [("subscribers", "0023_the_fields_words")]

    operations = [migrations.RenameModel(old_name="Move", new_name="ToolMigration")]
