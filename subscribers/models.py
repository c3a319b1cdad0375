"""People, lists, consent, fields, suppression, forms and imports."""

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions, languages
from accounts.models import User, Workspace
from subscribers.states import (
    ConsentKind,
    ConsentSource,
    DomainGroup,
    FieldType,
    ImportStatus,
    SubscriptionStatus,
    SuppressionReason,
)


def new_public_id() -> str:
    """Make an unguessable identifier for public addresses (16 letters)."""
    return secrets.token_urlsafe(12)


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

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="custom_field_key_unique"),
        ]

    def __str__(self) -> str:
        return self.label


class MailingList(models.Model):
    """A list: what people join. Called *list* everywhere people see it."""

    class Visibility(TextOptions):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")

    class OptIn(TextOptions):
        SINGLE = "single", _("Single opt-in")
        DOUBLE = "double", _("Double opt-in")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="lists")
    name = models.CharField(_("name"), max_length=120)
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    description = models.CharField(_("description"), max_length=300, blank=True)
    visibility = models.CharField(
        _("visibility"),
        max_length=8,
        choices=Visibility.options,
        default=Visibility.PUBLIC,
    )
    opt_in = models.CharField(
        _("opt-in"),
        max_length=8,
        choices=OptIn.options,
        default=OptIn.DOUBLE,
    )
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        db_table = "subscribers_list"
        verbose_name = _("list")
        verbose_name_plural = _("lists")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="list_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Subscriber(models.Model):
    """A person with an address in one workspace.

    ``email`` is the address as given (domain in lower case), ``email_key`` its lower-cased form and
    unique in the workspace; ``address_hash`` is the keyed hash that suppressions are matched by
    (`subscribers.addresses`). ``fields`` maps a custom field's key to its typed value: text and URL
    as str, number as int or float, date as ISO 8601 str, boolean as bool, choices as str or list.

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
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def name(self) -> str:
        """First and last name together; empty when neither is known."""
        return f"{self.first_name} {self.last_name}".strip()


class Subscription(models.Model):
    """One person's consent to one list. Its history is in ConsentEvent."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    list = models.ForeignKey(
        MailingList,
        models.CASCADE,
        related_name="subscriptions",
        db_index=False,
        db_constraint=False,
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="subscriptions", db_constraint=False
    )
    status = models.CharField(_("status"), max_length=12, choices=SubscriptionStatus.options)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(fields=["list", "subscriber"], name="subscription_unique"),
        ]
        indexes = [
            # Planning and list pages walk one list's people of one status in key order.
            models.Index(fields=["list", "status", "subscriber"], name="subscription_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.list_id} · {self.status}"


class SubscriptionTally(models.Model):
    """How many subscriptions of a list have a status; kept by a database trigger."""

    list = models.ForeignKey(MailingList, models.CASCADE, related_name="tallies")
    status = models.CharField(max_length=12, choices=SubscriptionStatus.options)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list", "status"], name="subscription_tally_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.list_id} · {self.status} · {self.count}"


class SubscriberTally(models.Model):
    """How many subscribers a workspace has; kept by a database trigger."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="subscriber_tally")
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("subscriber tally")

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.count}"


class ConsentStatement(models.Model):
    """A text people agreed to, word for word; never changed, a new wording is a new row."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("consent statement")
        verbose_name_plural = _("consent statements")

    def __str__(self) -> str:
        return self.text[:80]


class ConsentEvent(models.Model):
    """Append-only: who agreed to or left what, when, how, from where. A trigger refuses changes."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="consent_events", db_constraint=False
    )
    list = models.ForeignKey(
        MailingList,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(_("what"), max_length=12, choices=ConsentKind.options)
    source = models.CharField(_("how"), max_length=16, choices=ConsentSource.options)
    at = models.DateTimeField(_("when"), default=timezone.now)
    statement = models.ForeignKey(
        ConsentStatement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    ip = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    actor = models.ForeignKey(
        User,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        indexes = [
            models.Index(fields=["workspace", "at"], name="consent_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} · {self.kind} · {self.at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address we must not write to, kept even when the person is erased (then only its hash).

    Whenever a subscriber with this address exists, ``email_key`` is filled in: so people and
    suppressions can be joined by it, whichever side is the smaller.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="suppressions")
    address_hash = models.BinaryField(max_length=16, editable=False)
    email_key = models.CharField(_("email address"), max_length=320, blank=True, db_collation="C")
    reason = models.CharField(_("reason"), max_length=12, choices=SuppressionReason.options)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "address_hash"], name="suppression_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "email_key"], name="suppression_by_key"),
        ]

    def __str__(self) -> str:
        return self.email_key or str(_("an erased address"))


class SignupForm(models.Model):
    """A hosted signup page: which lists it offers, which fields it asks, what people agree to."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="signup_forms")
    name = models.CharField(_("name"), max_length=120)
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(_("title"), max_length=160)
    introduction = models.TextField(_("introduction"), max_length=2000, blank=True)
    lists = models.ManyToManyField(MailingList, related_name="signup_forms")
    ask_name = models.BooleanField(_("ask for the first name"), default=True)
    fields = models.ManyToManyField(CustomField, blank=True, related_name="signup_forms")
    statement = models.ForeignKey(ConsentStatement, models.PROTECT, related_name="+")
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    is_active = models.BooleanField(_("open"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("signup form")
        verbose_name_plural = _("signup forms")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """One file on its way in: uploaded, mapped, checked without writing, then merged."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    filename = models.CharField(_("file"), max_length=255)
    path = models.CharField(max_length=500, editable=False)
    size = models.BigIntegerField(_("size in bytes"), default=0)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=2, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    samples = models.JSONField(_("samples"), default=list)
    has_header = models.BooleanField(_("first row names the columns"), default=True)
    mapping = models.JSONField(_("mapping"), default=list)  # one `imports.mapping.Target` a column
    corrections = models.JSONField(_("corrected domains"), default=dict)
    mailing_list = models.ForeignKey(
        MailingList, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    subscription_status = models.CharField(
        _("status to give"),
        max_length=12,
        choices=SubscriptionStatus.options,
        default=SubscriptionStatus.SUBSCRIBED,
    )
    statement = models.ForeignKey(
        ConsentStatement, models.PROTECT, null=True, blank=True, related_name="+"
    )
    fill_empty_only = models.BooleanField(_("fill empty fields only"), default=False)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=ImportStatus.options,
        default=ImportStatus.UPLOADED,
    )
    rows = models.BigIntegerField(_("rows"), default=0)
    rows_done = models.BigIntegerField(_("rows done"), default=0)
    created = models.BigIntegerField(_("new"), default=0)
    updated = models.BigIntegerField(_("changed"), default=0)
    unchanged = models.BigIntegerField(_("unchanged"), default=0)
    invalid = models.BigIntegerField(_("invalid"), default=0)
    suppressed = models.BigIntegerField(_("suppressed"), default=0)
    duplicates = models.BigIntegerField(_("twice in the file"), default=0)  # part of invalid
    flagged = models.JSONField(_("noticed"), default=dict)  # typos by domain, role, disposable
    problems = models.JSONField(_("first problems"), default=list)
    errors_path = models.CharField(max_length=500, blank=True, editable=False)
    failure = models.CharField(_("failure"), max_length=500, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.filename


class ImportChange(models.Model):
    """What a person's profile was before an import changed it; kept for as long as undo is."""

    id = models.BigAutoField(primary_key=True)
    from_import = models.ForeignKey(Import, models.CASCADE, related_name="changes")
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="+", db_constraint=False
    )
    previous = models.JSONField(_("previous values"))

    class Meta:
        verbose_name = _("change by an import")
        verbose_name_plural = _("changes by imports")

    def __str__(self) -> str:
        return f"{self.from_import_id} · {self.subscriber_id}"
