"""The mails that the built-in sandbox server keeps."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace


class SandboxMessage(models.Model):
    """A mail that the built-in sandbox server accepted, kept whole."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="sandbox_messages", null=True
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    envelope_from = models.CharField(_("return path"), max_length=320, blank=True)
    envelope_to = models.CharField(_("to"), max_length=320)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    message_id = models.CharField(_("Message-ID"), max_length=255, blank=True)
    size = models.PositiveIntegerField(_("size in bytes"))
    raw = models.BinaryField()

    class Meta:
        verbose_name = _("sandbox message")
        verbose_name_plural = _("sandbox messages")
        ordering = ("-id",)
        indexes = [models.Index(fields=["workspace", "-id"], name="sandbox_by_workspace")]

    def __str__(self) -> str:
        return self.subject
