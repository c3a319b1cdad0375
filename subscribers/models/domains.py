"""What the DNS said about the domains of people's addresses."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from subscribers.states import MailServer


class MailDomain(models.Model):
    """Whether a domain takes mail; public knowledge, so shared by all workspaces."""

    name = models.CharField(_("domain"), max_length=255, primary_key=True, db_collation="C")
    answer = models.PositiveSmallIntegerField(_("answer"), choices=MailServer.options)
    checked_at = models.DateTimeField(_("checked"))

    class Meta:
        verbose_name = _("mail domain")
        verbose_name_plural = _("mail domains")

    def __str__(self) -> str:
        return self.name
