"""The keys that a workspace signs its mail with."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery.states import DkimAlgorithm, DkimState


class DkimKey(models.Model):
    """A key pair of a sender domain under a selector; the private half is encrypted.

    One key per domain and algorithm signs at a time; both algorithms may sign together.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="dkim_keys")
    domain = models.CharField(_("domain"), max_length=253)
    selector = models.CharField(_("selector"), max_length=63)
    algorithm = models.CharField(_("algorithm"), max_length=10, choices=DkimAlgorithm.options)
    encrypted_key = models.BinaryField(editable=False)
    public_key = models.TextField(_("public key"))  # base64, as it stands behind p= in the DNS
    state = models.CharField(
        _("status"), max_length=10, choices=DkimState.options, default=DkimState.NEW
    )
    checked_at = models.DateTimeField(_("last looked up"), null=True, blank=True)
    problem = models.CharField(_("what the look-up found wrong"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("DKIM key")
        verbose_name_plural = _("DKIM keys")
        ordering = ("domain", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "domain", "selector"], name="dkim_selector_unique"
            ),
            models.UniqueConstraint(
                fields=["workspace", "domain", "algorithm"],
                condition=models.Q(state="active"),
                name="dkim_one_active",
            ),
        ]

    def __str__(self) -> str:
        return self.record_name

    @property
    def record_name(self) -> str:
        """The name of its DNS record."""
        return f"{self.selector}._domainkey.{self.domain}"
