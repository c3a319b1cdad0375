"""People and the typed fields kept about them."""

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import languages
from accounts.models import Workspace
from subscribers.states import DomainGroup, FieldType, FieldVisibility, Frequency


class CustomField(models.Model):
    """A typed field that a workspace keeps for its subscribers; values: Subscriber.fields."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="custom_fields")
    key = models.SlugField(_("key"), max_length=50)
    label = models.CharField(_("label"), max_length=80)
    type = models.CharField(
        _("type"), max_length=12, choices=FieldType.options, default=FieldType.TEXT
    )
    choices = models.JSONField(_("choices"), default=list, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    description = models.CharField(_("help text"), max_length=300, blank=True)
    is_required = models.BooleanField(_("required"), default=False)
    is_unique = models.BooleanField(_("unique"), default=False)  # kept by a trigger: UniqueValue
    show_in_forms = models.BooleanField(_("forms may ask for it"), default=True)
    show_in_preferences = models.CharField(
        _("in the preference centre"),
        max_length=8,
        choices=FieldVisibility.options,
        default=FieldVisibility.HIDDEN,
    )

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="custom_field_key_unique"),
        ]

    def __str__(self) -> str:
        return self.label


class Subscriber(models.Model):
    """A person with an address in one workspace.

    ``email`` is the address as given (domain in lower case), ``email_key`` its lower-cased form and
    unique in the workspace; ``address_hash`` is the keyed hash that suppressions are matched by
    (`addresses`). ``fields`` maps a custom field's key to its typed value: text and URL as str,
    number as int or float, date as ISO 8601 str, boolean as bool, choices as str or list.

    An import writes these rows and their subscriptions and consent events by the hundred thousand.
    Whether the rows they name exist is asked once per statement, not once per row, so there are no
    foreign-key constraints (docs/decisions/0005-import-by-copy.md). The collation lets the unique
    index of the key serve searches by the beginning of an address, too.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="subscribers", db_constraint=False, db_index=False
    )
    email = models.CharField(_("email address"), max_length=320)
    email_key = models.CharField(max_length=320, editable=False, db_collation="C")
    address_hash = models.BinaryField(max_length=16, editable=False)
    domain_group = models.PositiveSmallIntegerField(
        _("mailbox provider"), choices=DomainGroup.options, default=DomainGroup.OTHER
    )
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    fields = models.JSONField(_("fields"), default=dict, blank=True)
    # What the person asked for in the preference centre; campaigns respect both when they are sent.
    frequency = models.PositiveSmallIntegerField(
        _("how often"), choices=Frequency.options, default=Frequency.ALL, db_default=0
    )
    paused_until = models.DateTimeField(_("no mail until"), null=True, blank=True)
    # What is suspicious about the address: bits of `states.AddressFlag`. Noticed, never decisive.
    address_flags = models.PositiveSmallIntegerField(
        _("noticed about the address"), default=0, db_default=0, editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email_key"], name="subscriber_email_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "id"], name="subscriber_by_key"),
            models.Index(fields=["workspace", "created_at"], name="subscriber_by_created"),
            # The few who asked for a pause or for fewer letters: planning looks at them alone.
            models.Index(
                fields=["workspace", "id"],
                name="subscriber_with_wishes",
                condition=models.Q(frequency__gt=0) | models.Q(paused_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def name(self) -> str:
        """First and last name together; empty when neither is known."""
        return f"{self.first_name} {self.last_name}".strip()


class SubscriberTally(models.Model):
    """How many subscribers a workspace has; kept by a database trigger."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="subscriber_tally")
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("subscriber count")
        verbose_name_plural = _("subscriber counts")

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.count}"


class Tag(models.Model):
    """A word that a workspace sticks on people, to find them again."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="tags")
    name = models.CharField(_("name"), max_length=80)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(models.F("workspace"), Lower("name"), name="tag_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class TagTally(models.Model):
    """How many people have a tag; kept by a database trigger."""

    tag = models.OneToOneField(Tag, models.CASCADE, related_name="tally")
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("tag count")
        verbose_name_plural = _("tag counts")

    def __str__(self) -> str:
        return f"{self.tag_id} · {self.count}"


class Tagging(models.Model):
    """A tag on a person. Written by the hundred thousand, so without foreign-key constraints."""

    id = models.BigAutoField(primary_key=True)
    tag = models.ForeignKey(
        Tag, models.CASCADE, related_name="taggings", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="taggings", db_constraint=False
    )
    created_at = models.DateTimeField(
        _("since"), default=timezone.now, db_default=Now(), editable=False
    )

    class Meta:
        verbose_name = _("tagging")
        verbose_name_plural = _("taggings")
        constraints = [
            models.UniqueConstraint(fields=["tag", "subscriber"], name="tagging_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.tag_id}"


class UniqueValue(models.Model):
    """A value of a unique field, taken by one person; written by a database trigger alone.

    ``digest`` is what the SQL function ``subscribers_value_digest`` makes of the value: SHA-256 of
    its text in lower case, so that it fits an index whatever its length.
    """

    id = models.BigAutoField(primary_key=True)
    field = models.ForeignKey(CustomField, models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32, editable=False)
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        verbose_name = _("unique value")
        verbose_name_plural = _("unique values")
        constraints = [
            models.UniqueConstraint(fields=["field", "digest"], name="unique_value_once"),
        ]

    def __str__(self) -> str:
        return f"{self.field_id} · {self.subscriber_id}"
