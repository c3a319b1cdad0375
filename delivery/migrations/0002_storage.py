"""How PostgreSQL stores the ledger: each row is written once and updated a few times in place."""

from django.db import migrations

SETTINGS = """
ALTER TABLE delivery_message SET (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);
ALTER TABLE delivery_claim SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE delivery_messagetally SET (fillfactor = 50, autovacuum_vacuum_threshold = 1000);
ALTER TABLE delivery_sendminute SET (fillfactor = 50);
"""
RESET = """
ALTER TABLE delivery_message RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor
);
ALTER TABLE delivery_claim RESET (fillfactor, autovacuum_vacuum_scale_factor);
ALTER TABLE delivery_messagetally RESET (fillfactor, autovacuum_vacuum_threshold);
ALTER TABLE delivery_sendminute RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]

    operations = [migrations.RunSQL(SETTINGS, RESET)]
