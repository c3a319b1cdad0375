"""Imports, and what undoing one needs."""

from django.db import models
from django.db.models import Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from subscribers.models.consent import ConsentStatement
from subscribers.models.forms import SignupForm
from subscribers.models.lists import MailingList
from subscribers.models.people import Subscriber
from subscribers.states import (
    ExistingPeople,
    ImportStatus,
    MigrationSource,
    SubscriptionStatus,
    SuppressionReason,
)


class ImportQuerySet(models.QuerySet["Import"]):
    """Imports of files, and migrations from other tools."""

    def of_files(self) -> "ImportQuerySet":
        """Leave out what is a `ToolMigration`: it has pages of its own."""
        return self.exclude(source__in=MigrationSource.values)


class Import(models.Model):
    """One file on its way in: uploaded, mapped, checked without writing, then merged.

    What another tool handed out as a whole is one, too (`ToolMigration`): its ``source`` is
    a `MigrationSource`.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    # The import whose file of rows to correct this one takes in.
    corrects = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    filename = models.CharField(_("file"), max_length=255)
    path = models.CharField(max_length=500, editable=False)
    size = models.BigIntegerField(_("size in bytes"), default=0)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    encoding_is_certain = models.BooleanField(
        _("encoding is certain"), default=True, db_default=True
    )
    delimiter = models.CharField(_("delimiter"), max_length=2, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    samples = models.JSONField(_("samples"), default=list)
    has_header = models.BooleanField(_("first row names the columns"), default=True)
    mapping = models.JSONField(_("mapping"), default=list)  # one `ColumnTarget` a column
    # The tool that the file is from (`imports.sources`), and how often which value stands in the
    # columns that say who may be written to (`imports.consent_columns.Counts`); None: not counted.
    source = models.CharField(_("from"), max_length=20, blank=True, default="", db_default="")
    value_counts = models.JSONField(null=True, blank=True, editable=False)
    # Of a migration: {"name", "path"} of each stored file, and why addresses without a reason of
    # their own are suppressed.
    files = models.JSONField(
        _("files"), default=list, db_default=Value([], models.JSONField()), editable=False
    )
    reason = models.CharField(
        _("reason where none is given"),
        max_length=12,
        choices=SuppressionReason.options,
        default=SuppressionReason.IMPORTED,
        db_default="imported",
    )
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
    # Further lists, one to be made when the import starts, and tags for everybody in the file.
    more_lists = models.ManyToManyField(MailingList, blank=True, related_name="+")
    new_list = models.CharField(_("new list"), max_length=120, blank=True, db_default="")
    # Of every list that is made on the way.
    list_visibility = models.CharField(
        _("visibility of new lists"),
        max_length=8,
        choices=MailingList.Visibility.options,
        default=MailingList.Visibility.PRIVATE,
        db_default="private",
    )
    tags = models.JSONField(_("tags"), default=list, db_default=Value([], models.JSONField()))
    existing = models.CharField(
        _("people we know already"),
        max_length=10,
        choices=ExistingPeople.options,
        default=ExistingPeople.OVERWRITE,
        db_default="overwrite",
    )
    # Whoever unsubscribed is subscribed again, for this reason; nobody else ever is.
    bring_back = models.BooleanField(
        _("bring back who unsubscribed"), default=False, db_default=False
    )
    bring_back_reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    # The form whose mail asks the unconfirmed to confirm, and the last person who was asked.
    asks_with = models.ForeignKey(
        SignupForm, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_until = models.BigIntegerField(null=True, blank=True, editable=False)
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
    # Of a file: who must not be written to, whoever says so. Of a migration: whom it suppresses;
    # who stays as they are, because they left or are suppressed here, is kept out.
    suppressed = models.BigIntegerField(_("suppressed"), default=0)
    kept_out = models.BigIntegerField(_("kept out"), default=0, db_default=0)
    # Part of the invalid ones, except in a migration.
    duplicates = models.BigIntegerField(_("twice in the file"), default=0)
    flagged = models.JSONField(_("noticed"), default=dict)  # typos by domain, role, disposable
    problems = models.JSONField(_("first problems"), default=list)
    errors_path = models.CharField(max_length=500, blank=True, editable=False)
    failure = models.CharField(_("failure"), max_length=500, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # Which batches are written: {"size": rows in a batch, "done": [last row of each]}.
    progress = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), editable=False
    )
    # How far an undo is: `imports.undo.Undone` as a mapping.
    undo = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), editable=False)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.filename

    @property
    def paths(self) -> list[str]:
        """Return the places of all files that are kept for it."""
        given = [self.path, *(one["path"] for one in self.files), self.errors_path]
        return [path for path in given if path]

    @property
    def is_migration(self) -> bool:
        """Say whether it is a migration from another tool."""
        return self.source in MigrationSource.values


class ImportChange(models.Model):
    """What an import changed about a person it found; kept for as long as it can be undone.

    ``previous``: the names, language, time zone and fields before; under "lists" the status on each
    list it moved ("" for none), under "since" the moments it gave them there, if not its own; "out"
    if it lifted "unsubscribed from everything". ``written``: the profile values it wrote, to tell
    whether somebody changed them since. "again" in ``previous``: the lists, tags and values that
    were there already, by another import that may be undone.
    """

    id = models.BigAutoField(primary_key=True)
    from_import = models.ForeignKey(Import, models.CASCADE, related_name="changes")
    subscriber = models.ForeignKey(
        Subscriber, models.CASCADE, related_name="+", db_constraint=False
    )
    previous = models.JSONField(_("previous values"))
    written = models.JSONField(
        _("written values"), default=dict, db_default=Value({}, models.JSONField())
    )

    class Meta:
        verbose_name = _("change by an import")
        verbose_name_plural = _("changes by imports")

    def __str__(self) -> str:
        return f"{self.from_import_id} · {self.subscriber_id}"
