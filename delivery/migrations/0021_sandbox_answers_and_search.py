from django.db import migrations, models

import delivery.states


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0020_evidence_devices_and_consent"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandboxmessage",
            name="ledger_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="sandboxmessage",
            name="words",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="sandboxmessage",
            name="answer_due",
            field=models.PositiveSmallIntegerField(
                choices=delivery.states.SandboxAnswer.options, editable=False, null=True
            ),
        ),
        migrations.AddField(
            model_name="sandboxmessage",
            name="answers",
            field=models.JSONField(db_default=[], default=list, editable=False),
        ),
        migrations.AddIndex(
            model_name="sandboxmessage",
            index=models.Index(
                condition=models.Q(("words__isnull", True)),
                fields=["id"],
                name="sandbox_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="sandboxmessage",
            index=models.Index(
                condition=models.Q(("answer_due__isnull", False)),
                fields=["id"],
                name="sandbox_answer_due",
            ),
        ),
    ]
