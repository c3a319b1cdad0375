"""Mails of the product itself that wait, and what was set aside."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import accounts.models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sent_forms"),
    ]

    operations = [
        migrations.CreateModel(
            name="SetAside",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=16, unique=True)),
                ("kind", models.CharField(max_length=60, verbose_name="where")),
                ("subject", models.CharField(max_length=120, verbose_name="what")),
                ("reason", models.CharField(max_length=300, verbose_name="why")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="times")),
                (
                    "first_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="first"),
                ),
                (
                    "last_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="last"),
                ),
            ],
            options={
                "verbose_name": "item set aside",
                "verbose_name_plural": "items set aside",
                "indexes": [models.Index(fields=["-last_at"], name="set_aside_newest")],
            },
        ),
        migrations.CreateModel(
            name="SystemMail",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=accounts.models.SystemMail.Kind.options,
                        max_length=40,
                        verbose_name="kind",
                    ),
                ),
                ("person", models.BigIntegerField(null=True, verbose_name="subscriber")),
                ("priority", models.PositiveSmallIntegerField(default=1)),
                ("content", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=accounts.models.SystemMail.State.options,
                        default="waiting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "not_before",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="not before"
                    ),
                ),
                ("first_attempt_at", models.DateTimeField(null=True, verbose_name="first answer")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "workspace",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "system email",
                "verbose_name_plural": "system emails",
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["priority", "not_before", "id"],
                        name="system_mail_due",
                    ),
                    models.Index(
                        condition=models.Q(("person__isnull", False)),
                        fields=["person"],
                        name="system_mail_by_person",
                    ),
                ],
            },
        ),
    ]
