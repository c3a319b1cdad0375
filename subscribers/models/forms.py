"""Signup forms."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import languages
from accounts.models import Workspace
from subscribers.models.consent import ConsentStatement
from subscribers.models.lists import MailingList, new_public_id
from subscribers.models.people import CustomField


class SignupForm(models.Model):
    """A hosted signup page: which lists it offers, which fields it asks, what people agree to."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="signup_forms")
    name = models.CharField(_("name"), max_length=120)
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(_("title"), max_length=160)
    introduction = models.TextField(_("introduction"), max_length=2000, blank=True)
    lists = models.ManyToManyField(MailingList, related_name="signup_forms")
    ask_name = models.BooleanField(_("ask for the first name"), default=True)
    fields = models.ManyToManyField(CustomField, blank=True, related_name="signup_forms")
    statement = models.ForeignKey(ConsentStatement, models.PROTECT, related_name="+")
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    is_active = models.BooleanField(_("open"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("signup form")
        verbose_name_plural = _("signup forms")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
