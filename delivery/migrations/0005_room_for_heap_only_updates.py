"""A claim's outcomes change every row of a page in one statement, and a page keeps the old versions
until it is over: only with half of it free is each update a heap-only one (three indexes untouched)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("delivery", "0004_stream_position")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE delivery_message SET (fillfactor = 50)",
            "ALTER TABLE delivery_message SET (fillfactor = 80)",
        )
    ]
