"""What a person did with our mail, added up: one narrow row per person who ever did something."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from subscribers.models import Subscriber


class Engagement(models.Model):
    """When a person last opened and clicked, and which of the newest dispatches.

    Follows from the first human open and click of each `Message`, and from nothing else; kept by
    `delivery.engagement`, which can rebuild it. The arrays hold at most 50 numbers of dispatches,
    newest first, so "at least K of the last N" is one look: ``opened[K] >= the N-th newest``.
    """

    subscriber = models.OneToOneField(
        Subscriber,
        models.CASCADE,
        primary_key=True,
        related_name="engagement",
        db_constraint=False,
    )
    last_opened_at = models.DateTimeField(_("last opened"), null=True)
    last_clicked_at = models.DateTimeField(_("last clicked"), null=True)
    opened = ArrayField(models.IntegerField(), verbose_name=_("opened"), default=list)
    clicked = ArrayField(models.IntegerField(), verbose_name=_("clicked"), default=list)

    class Meta:
        verbose_name = _("engagement")
        verbose_name_plural = _("engagements")

    def __str__(self) -> str:
        return f"{self.subscriber_id}"
