"""People who may be one person, and people who became one."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from subscribers.models.people import Subscriber
from subscribers.states import DuplicateKind


class DuplicateSearch(models.Model):
    """When a workspace was last searched for duplicates."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="duplicate_search")
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("search for duplicates")
        verbose_name_plural = _("searches for duplicates")

    def __str__(self) -> str:
        return f"{self.workspace_id}"


class DuplicateGroup(models.Model):
    """People who may be one person: ``people`` are their keys, ``shared`` what they share."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="duplicate_groups")
    kind = models.CharField(_("why"), max_length=8, choices=DuplicateKind.options)
    shared = models.CharField(_("in common"), max_length=600, db_collation="C")
    people = ArrayField(models.BigIntegerField())
    dismissed_at = models.DateTimeField(_("told apart"), null=True, blank=True)
    found_at = models.DateTimeField(_("found"), default=timezone.now, db_default=Now())

    class Meta:
        verbose_name = _("possible duplicates")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "shared"], name="duplicate_group_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.shared


class MergedPerson(models.Model):
    """Somebody who became part of another person: their old key still leads to who they are.

    Mail that was sent before the merger names the old key, in links too.
    """

    id = models.BigIntegerField(_("former key"), primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    into = models.ForeignKey(Subscriber, models.CASCADE, related_name="merged", db_constraint=False)
    email = models.CharField(_("former address"), max_length=320)
    merged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    merged_at = models.DateTimeField(_("merged"), default=timezone.now)

    class Meta:
        verbose_name = _("merged person")
        verbose_name_plural = _("merged people")

    def __str__(self) -> str:
        return f"{self.id} → {self.into_id}"
