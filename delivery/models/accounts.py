"""Sending accounts and their limits."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery.states import TlsMode, TransportKind
from subscribers.states import DomainGroup


class SendingAccount(models.Model):
    """A configured SMTP server or the sandbox. The password is encrypted (`delivery.secrets`)."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sending_accounts")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=TransportKind.options,
        default=TransportKind.SMTP,
    )
    host = models.CharField(_("host"), max_length=255, blank=True)
    port = models.PositiveIntegerField(_("port"), default=587)
    tls = models.CharField(
        _("TLS"), max_length=10, choices=TlsMode.options, default=TlsMode.STARTTLS
    )
    verify_certificate = models.BooleanField(_("check the certificate"), default=True)
    username = models.CharField(_("user name"), max_length=255, blank=True)
    encrypted_password = models.BinaryField(blank=True, default=bytes, editable=False)
    from_domains = ArrayField(
        models.CharField(max_length=255),
        verbose_name=_("sender domains"),
        default=list,
        blank=True,
        help_text=_("Campaigns whose sender is in one of these domains use this account."),
    )
    default_from = models.CharField(_("default sender"), max_length=320, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    max_connections = models.PositiveSmallIntegerField(_("connections at once"), default=8)
    messages_per_connection = models.PositiveIntegerField(_("messages per connection"), default=500)
    per_second = models.PositiveIntegerField(_("per second"), null=True, blank=True)
    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("per day"), null=True, blank=True)
    # The breaker: set while the server itself is in trouble; nothing is marked failed meanwhile.
    broken_since = models.DateTimeField(_("in trouble since"), null=True, blank=True)
    broken_reason = models.CharField(_("trouble"), max_length=500, blank=True)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    trouble_count = models.PositiveSmallIntegerField(default=0, editable=False)
    tested_at = models.DateTimeField(_("last test mail"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("sending account")
        verbose_name_plural = _("sending accounts")
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="sending_account_name_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DomainLimit(models.Model):
    """A sending account's limit towards one domain group."""

    account = models.ForeignKey(SendingAccount, models.CASCADE, related_name="domain_limits")
    domain_group = models.PositiveSmallIntegerField(
        _("mailbox provider"), choices=DomainGroup.options
    )
    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    connections = models.PositiveSmallIntegerField(_("connections"), null=True, blank=True)

    class Meta:
        verbose_name = _("limit by mailbox provider")
        verbose_name_plural = _("limits by mailbox provider")
        constraints = [
            models.UniqueConstraint(fields=["account", "domain_group"], name="domain_limit_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} · {self.get_domain_group_display()}"
