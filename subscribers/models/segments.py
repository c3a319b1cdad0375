"""Saved rules that say who belongs to a group of people now."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace


class Segment(models.Model):
    """A saved rule: whoever fits it belongs to it, at every moment anew.

    ``rules`` is the tree that `subscribers.segments` reads: groups of rules that all or any must
    hold. ``count`` is how many people fitted it at ``counted_at``; None: never counted.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="segments")
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    rules = models.JSONField(_("rules"), default=dict)
    count = models.BigIntegerField(_("people"), null=True, editable=False)
    counted_at = models.DateTimeField(_("counted"), null=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="segment_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class SegmentDay(models.Model):
    """How many people fitted a segment on a day (UTC): the line of its chart."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    count = models.BigIntegerField(_("people"))

    class Meta:
        verbose_name = _("day of a segment")
        verbose_name_plural = _("days of segments")
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(fields=["segment", "day"], name="segment_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id} · {self.day} · {self.count}"
