"""What an import remembers about its file: how sure its encoding is, whose rows it corrects."""

from django.db import migrations, models

import subscribers.models.lists


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0016_erased_words")]
    operations = [
        migrations.AddField(
            model_name="import",
            name="encoding_is_certain",
            field=models.BooleanField(
                db_default=True, default=True, verbose_name="encoding is certain"
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="list_visibility",
            field=models.CharField(
                choices=subscribers.models.lists.MailingList.Visibility.options,
                db_default="private",
                default="private",
                max_length=8,
                verbose_name="visibility of new lists",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="corrects",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=models.deletion.SET_NULL,
                related_name="+",
                to="subscribers.import",
            ),
        ),
        # The column goes a release later: workers of the release before still write it.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="import", name="drops_values")]
        ),
    ]
