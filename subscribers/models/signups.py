"""Sign-ups on their way in, those that wait for a member's decision, and the brake."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions
from accounts.models import Workspace
from subscribers.models.consent import ConsentStatement
from subscribers.models.forms import SignupForm


class SignupRequest(models.Model):
    """What somebody typed into a form, until it is taken in, decided on or forgotten.

    ``details``: first_name, last_name, language, fields (as `Subscriber.fields`), lists (ids) and
    ``words`` (the language the visitor read). Every sign-up is one row for a moment, whoever its
    address belongs to, so that the answer tells nothing; a held one stays until a member decides.
    ``letter``: it was taken in, and stays until its mail (`signup.SignupMail`) is queued.
    """

    class HeldFor(TextOptions):
        UNANSWERED = "unanswered", _("No proof of work while many confirmations went unanswered")
        STRICT = "strict", _("No proof of work, which this form asks for")
        FAILED = "failed", _("Something went wrong on our side; the log says what")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="signup_requests")
    form = models.ForeignKey(SignupForm, models.CASCADE, related_name="requests")
    email = models.CharField(_("email address"), max_length=320)
    details = models.JSONField(_("details"), default=dict)
    statement = models.ForeignKey(ConsentStatement, models.PROTECT, related_name="+")
    ip = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    is_proven = models.BooleanField(_("with proof of work"), default=False)
    held_for = models.CharField(
        _("why held"), max_length=12, blank=True, choices=HeldFor.options, db_default=""
    )
    letter = models.JSONField(_("mail still to be queued"), null=True, blank=True)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        indexes = [
            models.Index(
                fields=["workspace", "-id"],
                name="signup_held",
                condition=~models.Q(held_for=""),
            ),
            models.Index(
                fields=["created_at"], name="signup_waiting", condition=models.Q(held_for="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form_id} · {self.created_at:%Y-%m-%d %H:%M}"


class SignupBrake(models.Model):
    """A workspace whose confirmation mails go unanswered; ``until`` is when it releases itself."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="signup_brake")
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"))
    mailed = models.PositiveIntegerField(_("mailed"), default=0)
    confirmed = models.PositiveIntegerField(_("confirmed"), default=0)

    class Meta:
        verbose_name = _("sign-up brake")
        verbose_name_plural = _("sign-up brakes")

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.until:%Y-%m-%d %H:%M}"
