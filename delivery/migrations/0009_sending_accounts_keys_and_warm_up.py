"""Provider accounts, warm-up plans, days of use, DKIM keys."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import delivery.states


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_api_keys"),
        ("delivery", "0008_engagement"),
    ]

    operations = [
        migrations.AddField(
            model_name="sendingaccount",
            name="idle_seconds",
            field=models.PositiveSmallIntegerField(
                db_default=30, default=30, verbose_name="seconds to keep an idle connection"
            ),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="last_trouble",
            field=models.CharField(
                blank=True, default="", db_default="", max_length=500, verbose_name="last trouble"
            ),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="last_trouble_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last trouble at"),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="options",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, verbose_name="provider settings"
            ),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="provider",
            field=models.CharField(
                blank=True,
                choices=delivery.states.Provider.options,
                default="",
                db_default="",
                max_length=20,
                verbose_name="provider",
            ),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="return_path_domain",
            field=models.CharField(
                blank=True,
                default="",
                db_default="",
                max_length=253,
                verbose_name="return-path domain",
            ),
        ),
        migrations.AddField(
            model_name="sendingaccount",
            name="verp",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="a return address for each mail"
            ),
        ),
        migrations.CreateModel(
            name="WarmUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField(verbose_name="first day")),
                (
                    "ceilings",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        size=None,
                        verbose_name="mails on each day",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="warm_up",
                        to="delivery.sendingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "warm-up plan",
                "verbose_name_plural": "warm-up plans",
            },
        ),
        migrations.CreateModel(
            name="AccountDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("sent", models.PositiveIntegerField(default=0, verbose_name="sent")),
                ("deferred", models.PositiveIntegerField(default=0, verbose_name="deferred")),
                ("failed", models.PositiveIntegerField(default=0, verbose_name="failed")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="delivery.sendingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of a sending account",
                "verbose_name_plural": "days of sending accounts",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day"), name="account_day_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="DkimKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.CharField(max_length=253, verbose_name="domain")),
                ("selector", models.CharField(max_length=63, verbose_name="selector")),
                (
                    "algorithm",
                    models.CharField(
                        choices=delivery.states.DkimAlgorithm.options,
                        max_length=10,
                        verbose_name="algorithm",
                    ),
                ),
                ("encrypted_key", models.BinaryField()),
                ("public_key", models.TextField(verbose_name="public key")),
                (
                    "state",
                    models.CharField(
                        choices=delivery.states.DkimState.options,
                        default="new",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last looked up"),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True, max_length=300, verbose_name="what the look-up found wrong"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired")),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dkim_keys",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "DKIM key",
                "verbose_name_plural": "DKIM keys",
                "ordering": ("domain", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "domain", "selector"), name="dkim_selector_unique"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")),
                        fields=("workspace", "domain", "algorithm"),
                        name="dkim_one_active",
                    ),
                ],
            },
        ),
    ]
