"""The mails that the built-in sandbox server keeps."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery.states import SandboxAnswer


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
    # The ledger's message (`delivery.Message.id`) that a token in its headers names; none for test
    # mails and confirmations. Whose workspace that is has to be asked where it is used.
    ledger_id = models.BigIntegerField(null=True, editable=False)
    # What it says, in small letters, for the search; NULL until `follow_up` has read it.
    words = models.TextField(null=True, editable=False)  # noqa: DJ001 - not read yet is not empty
    # What its address answers by itself, until that has happened.
    answer_due = models.PositiveSmallIntegerField(
        choices=SandboxAnswer.options, null=True, editable=False
    )
    # What it was answered with: a list of {"answer": SandboxAnswer, "at": ISO 8601, "by": name}.
    answers = models.JSONField(default=list, db_default=[], editable=False)

    class Meta:
        verbose_name = _("sandbox message")
        verbose_name_plural = _("sandbox messages")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["workspace", "-id"], name="sandbox_by_workspace"),
            models.Index(
                fields=["id"], name="sandbox_unread", condition=models.Q(words__isnull=True)
            ),
            models.Index(
                fields=["id"],
                name="sandbox_answer_due",
                condition=models.Q(answer_due__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject
