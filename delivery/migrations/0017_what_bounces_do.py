"""What bounces do: policy, exceptions, counts, receipts of news, alarms; what events tell of them.

The columns of events may be empty and carry no CHECK: that table is neither rewritten nor read.
"""

import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import delivery.states
import subscribers.states


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_installation"),
        ("campaigns", "0008_campaigns_that_ask"),
        ("delivery", "0016_the_fields_words"),
        ("subscribers", "0023_the_fields_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BounceException",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.CharField(max_length=320, verbose_name="address or domain")),
                (
                    "note",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="note"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="since"
                    ),
                ),
            ],
            options={
                "verbose_name": "bounce exception",
                "verbose_name_plural": "bounce exceptions",
                "ordering": ("value",),
            },
        ),
        migrations.CreateModel(
            name="BouncePolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "suppress_hard",
                    models.BooleanField(
                        default=True, verbose_name="Stop at once when an address does not exist"
                    ),
                ),
                (
                    "suppress_soft",
                    models.BooleanField(
                        default=True, verbose_name="Stop when an address keeps bouncing for a while"
                    ),
                ),
                (
                    "soft_count",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="Bounces in a row",
                    ),
                ),
                (
                    "soft_days",
                    models.PositiveSmallIntegerField(
                        default=14,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="Over at least so many days",
                    ),
                ),
                (
                    "inactive_count",
                    models.PositiveSmallIntegerField(
                        default=2,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="Bounces in a row of a mailbox that is switched off",
                    ),
                ),
                (
                    "guard",
                    models.BooleanField(
                        default=True,
                        verbose_name="Ask before suppressing when a mailbox provider refuses nearly everybody",
                    ),
                ),
                (
                    "guard_least",
                    models.PositiveSmallIntegerField(
                        default=20,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                        verbose_name="Refusals, at least",
                    ),
                ),
                (
                    "guard_percent",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="Percent of the emails sent there",
                    ),
                ),
                (
                    "guard_hours",
                    models.PositiveSmallIntegerField(
                        default=24,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(168),
                        ],
                        verbose_name="Within so many hours",
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="changed"
                    ),
                ),
            ],
            options={
                "verbose_name": "bounce policy",
                "verbose_name_plural": "bounce policies",
            },
        ),
        migrations.CreateModel(
            name="FeedbackReceipt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.BinaryField(max_length=16)),
                ("message_id", models.BigIntegerField()),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "receipt of news",
                "verbose_name_plural": "receipts of news",
            },
        ),
        migrations.CreateModel(
            name="HeldBack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "effect",
                    models.PositiveSmallIntegerField(choices=delivery.states.Effect.options),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "suppression held back",
                "verbose_name_plural": "suppressions held back",
            },
        ),
        migrations.CreateModel(
            name="ProviderAlarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "domain_group",
                    models.PositiveSmallIntegerField(
                        choices=subscribers.states.DomainGroup.options,
                        verbose_name="mailbox provider",
                    ),
                ),
                (
                    "domain",
                    models.CharField(blank=True, default="", max_length=253, verbose_name="domain"),
                ),
                ("refused", models.PositiveIntegerField(verbose_name="refused")),
                ("of", models.PositiveIntegerField(verbose_name="of so many")),
                (
                    "since",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="since"),
                ),
                ("paused_until", models.DateTimeField(null=True, verbose_name="paused until")),
                ("pauses", models.PositiveSmallIntegerField(default=0)),
                ("closed_at", models.DateTimeField(null=True, verbose_name="decided")),
            ],
            options={
                "verbose_name": "alarm about a mailbox provider",
                "verbose_name_plural": "alarms about mailbox providers",
            },
        ),
        migrations.CreateModel(
            name="RefusalHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "domain_group",
                    models.PositiveSmallIntegerField(
                        choices=subscribers.states.DomainGroup.options
                    ),
                ),
                ("domain", models.CharField(blank=True, default="", max_length=253)),
                ("hour", models.DateTimeField()),
                ("refused", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "refusals of an hour",
                "verbose_name_plural": "refusals by hour",
            },
        ),
        migrations.CreateModel(
            name="SoftBounces",
            fields=[
                (
                    "subscriber",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="soft_bounces",
                        serialize=False,
                        to="subscribers.subscriber",
                    ),
                ),
                (
                    "count",
                    models.PositiveSmallIntegerField(default=0, verbose_name="bounces in a row"),
                ),
                ("first_at", models.DateTimeField(null=True, verbose_name="first")),
                ("last_at", models.DateTimeField(null=True, verbose_name="last")),
                ("cleared_at", models.DateTimeField(null=True, verbose_name="cleared")),
            ],
            options={
                "verbose_name": "soft bounces",
                "verbose_name_plural": "soft bounces",
            },
        ),
        migrations.AddField(
            model_name="event",
            name="cause",
            field=models.SmallIntegerField(null=True, verbose_name="cause"),
        ),
        migrations.AddField(
            model_name="event",
            name="effect",
            field=models.SmallIntegerField(
                choices=delivery.states.Effect.options, null=True, verbose_name="effect"
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="reply",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="delivery.serverreply",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="source",
            field=models.SmallIntegerField(
                choices=delivery.states.FeedbackSource.options, null=True, verbose_name="told by"
            ),
        ),
        migrations.AddField(
            model_name="bounceexception",
            name="created_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="bounceexception",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="bounce_exceptions",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="bouncepolicy",
            name="workspace",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="bounce_policy",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="feedbackreceipt",
            name="workspace",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="heldback",
            name="subscriber",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="subscribers.subscriber",
            ),
        ),
        migrations.AddField(
            model_name="provideralarm",
            name="closed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="provideralarm",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="provider_alarms",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="heldback",
            name="alarm",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="held",
                to="delivery.provideralarm",
            ),
        ),
        migrations.AddField(
            model_name="refusalhour",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="bounceexception",
            constraint=models.UniqueConstraint(
                fields=("workspace", "value"), name="bounce_exception_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="feedbackreceipt",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["seen_at"], name="feedback_receipt_by_age"
            ),
        ),
        migrations.AddConstraint(
            model_name="feedbackreceipt",
            constraint=models.UniqueConstraint(
                fields=("workspace", "key"), name="feedback_receipt_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="provideralarm",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("workspace", "domain_group", "domain"),
                name="provider_alarm_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="heldback",
            constraint=models.UniqueConstraint(
                fields=("alarm", "subscriber"), name="held_back_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="refusalhour",
            constraint=models.UniqueConstraint(
                fields=("workspace", "domain_group", "domain", "hour"), name="refusal_hour_unique"
            ),
        ),
    ]
