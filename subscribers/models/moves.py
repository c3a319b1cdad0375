"""People on their way here from another tool."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from subscribers.models.consent import ConsentStatement
from subscribers.models.lists import MailingList
from subscribers.states import ImportStatus, MoveSource, SuppressionReason


class Move(models.Model):
    """What another tool handed out, on its way in: taken, checked without writing, then merged.

    ``files`` holds {"name", "path", "role"} of each stored file. A row of them has one outcome, so
    created + updated + unchanged + kept_out + suppressed + invalid + duplicates = rows.
    ``findings`` is for people: counts and names by what was noticed (`migrate_from.report`).
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="moves")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    source = models.CharField(_("from"), max_length=20, choices=MoveSource.options)
    files = models.JSONField(_("files"), default=list)
    mailing_list = models.ForeignKey(
        MailingList, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    statement = models.ForeignKey(
        ConsentStatement, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(
        _("reason where none is given"),
        max_length=12,
        choices=SuppressionReason.options,
        default=SuppressionReason.IMPORTED,
    )
    status = models.CharField(
        _("status"), max_length=10, choices=ImportStatus.options, default=ImportStatus.UPLOADED
    )
    rows = models.BigIntegerField(_("rows"), default=0)
    position = models.BigIntegerField(default=0, editable=False)  # the last staged row merged
    created = models.BigIntegerField(_("new"), default=0)
    updated = models.BigIntegerField(_("changed"), default=0)
    unchanged = models.BigIntegerField(_("unchanged"), default=0)
    kept_out = models.BigIntegerField(_("kept out"), default=0)
    suppressed = models.BigIntegerField(_("suppressed"), default=0)
    invalid = models.BigIntegerField(_("invalid"), default=0)
    duplicates = models.BigIntegerField(_("twice"), default=0)
    findings = models.JSONField(_("noticed"), default=dict)
    report_path = models.CharField(max_length=500, blank=True, editable=False)
    failure = models.CharField(_("failure"), max_length=500, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("move")
        verbose_name_plural = _("moves")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_source_display()} #{self.pk}"
