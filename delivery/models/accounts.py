"""Sending accounts and their limits."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery.states import Provider, TlsMode, TransportKind
from subscribers.states import DomainGroup

FROM_SETTINGS = "SMTP_URL"  # the name of the account that the settings made


class SendingAccount(models.Model):
    """A configured SMTP server, a provider's API, or the sandbox.

    The password is encrypted (`accounts.installation.secrets`); a provider's keys are one JSON
    object in it.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sending_accounts")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=TransportKind.options,
        default=TransportKind.SMTP,
    )
    provider = models.CharField(
        _("provider"),
        max_length=20,
        choices=Provider.options,
        blank=True,
        default="",
        db_default="",
    )
    # What a provider needs to know and anybody may read: region, domain, message stream.
    options = models.JSONField(_("provider settings"), default=dict, blank=True, db_default={})
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
    idle_seconds = models.PositiveSmallIntegerField(
        _("seconds to keep an idle connection"), default=30, db_default=30
    )
    verp = models.BooleanField(
        _("a return address for each email"), default=False, db_default=False
    )
    return_path_domain = models.CharField(
        _("return-path domain"), max_length=253, blank=True, default="", db_default=""
    )
    per_second = models.PositiveIntegerField(_("per second"), null=True, blank=True)
    per_minute = models.PositiveIntegerField(_("per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("per day"), null=True, blank=True)
    # The breaker: set while the server itself is in trouble; nothing is marked failed meanwhile.
    broken_since = models.DateTimeField(_("in trouble since"), null=True, blank=True)
    broken_reason = models.CharField(_("trouble"), max_length=500, blank=True)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    trouble_count = models.PositiveSmallIntegerField(default=0, editable=False)
    # The last trouble stays to be read after the server is back.
    last_trouble = models.CharField(
        _("last trouble"), max_length=500, blank=True, default="", db_default=""
    )
    last_trouble_at = models.DateTimeField(_("last trouble at"), null=True, blank=True)
    tested_at = models.DateTimeField(_("last test email"), null=True, blank=True)
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

    @property
    def server_name(self) -> str:
        """What people know the other side by: the provider's name, or the server's."""
        return str(self.get_provider_display()) if self.provider else self.host


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


class WarmUp(models.Model):
    """A sending account's plan to begin slowly: so many mails at most on each of its days.

    After the last day the account has no such ceiling any more.
    """

    account = models.OneToOneField(SendingAccount, models.CASCADE, related_name="warm_up")
    starts_on = models.DateField(_("first day"))
    ceilings = ArrayField(models.PositiveIntegerField(), verbose_name=_("emails on each day"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("warm-up plan")
        verbose_name_plural = _("warm-up plans")

    def __str__(self) -> str:
        return f"{self.account_id} · {self.starts_on}"


class AccountDay(models.Model):
    """What one sending account handed over on one day of its workspace; for people to read."""

    account = models.ForeignKey(SendingAccount, models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    sent = models.PositiveIntegerField(_("sent"), default=0)
    deferred = models.PositiveIntegerField(_("deferred"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)

    class Meta:
        verbose_name = _("day of a sending account")
        verbose_name_plural = _("days of sending accounts")
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="account_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} · {self.day}"
