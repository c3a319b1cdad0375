"""Daily rollups, so that pages read a handful of rows instead of counting millions."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace


class WorkspaceDay(models.Model):
    """One workspace's figures for one day of its own time zone; `reports.rollups` rebuilds them.

    Mail stands on the day it was sent, with what came of it since. ``opened`` and ``proxy_opened``
    are of different mails: who opened by themselves is not counted as a proxy. ``bounced`` holds
    what servers refused at once, too, so it and ``delivered`` are all that was tried.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    subscribers = models.BigIntegerField(_("subscribers at the day's end"), default=0)
    joined = models.BigIntegerField(_("joined"), default=0)
    left = models.BigIntegerField(_("left"), default=0)
    sent = models.BigIntegerField(_("sent"), default=0)
    delivered = models.BigIntegerField(_("delivered"), default=0)
    opened = models.BigIntegerField(_("opened by people"), default=0)
    proxy_opened = models.BigIntegerField(_("opened by privacy proxies"), default=0)
    clicked = models.BigIntegerField(_("clicked by people"), default=0)
    unsubscribed = models.BigIntegerField(_("unsubscribed"), default=0)
    complained = models.BigIntegerField(_("complaints"), default=0)
    bounced = models.BigIntegerField(_("bounced"), default=0)
    zone = models.CharField(_("time zone"), max_length=64, default="", db_default="")
    rebuilt_at = models.DateTimeField(_("counted"), null=True)

    class Meta:
        verbose_name = _("day of a workspace")
        verbose_name_plural = _("days of workspaces")
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "day"], name="workspace_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.day}"
