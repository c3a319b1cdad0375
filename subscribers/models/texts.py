"""Words of a list or a form in place of the product's own."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions, languages
from subscribers.models.forms import SignupForm
from subscribers.models.lists import MailingList


class PublicText(models.Model):
    """One text of one list or one form in one language; Markdown with merge tags."""

    class Kind(TextOptions):
        CONFIRM_MAIL = "confirm_mail", _("Mail that asks to confirm")
        WELCOME_MAIL = "welcome_mail", _("Welcome email")
        SIGNED_UP = "signed_up", _("Page after signing up")
        CONFIRMED = "confirmed", _("Page after confirming")
        UNSUBSCRIBE = "unsubscribe", _("Unsubscribe page")
        FOOTER = "footer", _("Footer of pages and emails")

    list = models.ForeignKey(
        MailingList, models.CASCADE, null=True, blank=True, related_name="texts"
    )
    form = models.ForeignKey(
        SignupForm, models.CASCADE, null=True, blank=True, related_name="texts"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.options)
    language = models.CharField(_("language"), max_length=8, choices=languages)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    text = models.TextField(_("text"), max_length=5000)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("public text")
        verbose_name_plural = _("public texts")
        constraints = [
            models.UniqueConstraint(
                fields=["list", "kind", "language"],
                condition=Q(form=None),
                name="list_text_unique",
            ),
            models.UniqueConstraint(
                fields=["form", "kind", "language"],
                condition=Q(list=None),
                name="form_text_unique",
            ),
            models.CheckConstraint(
                condition=Q(list=None, form__isnull=False) | Q(list__isnull=False, form=None),
                name="text_of_a_list_or_a_form",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list_id or self.form_id} · {self.kind} · {self.language}"
