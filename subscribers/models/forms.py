"""Signup forms: what they ask, the words people agreed to, and how often they are used."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions, languages
from accounts.models import Workspace
from subscribers.models.consent import ConsentStatement
from subscribers.models.lists import MailingList, new_public_id
from subscribers.models.people import CustomField


class SignupForm(models.Model):
    """A hosted signup page: which lists it offers, which fields it asks, what people agree to.

    ``origins`` are the sites that may embed it (`https://example.org`); empty: any site.
    """

    class Consent(TextOptions):
        CHECKBOX = "checkbox", _("Checkbox")
        SENTENCE = "sentence", _("A sentence above the button")

    class Protection(TextOptions):
        NORMAL = "normal", _("Hold sign-ups without proof while the form is attacked")
        STRICT = "strict", _("Hold every sign-up without proof")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="signup_forms")
    name = models.CharField(_("name"), max_length=120)
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(_("title"), max_length=160)
    introduction = models.TextField(_("introduction"), max_length=2000, blank=True)
    lists = models.ManyToManyField(
        MailingList, related_name="signup_forms", verbose_name=_("lists")
    )
    lets_choose = models.BooleanField(_("let people choose among the lists"), default=False)
    ask_name = models.BooleanField(_("ask for the first name"), default=True)
    ask_last_name = models.BooleanField(_("ask for the last name"), default=False)
    is_name_required = models.BooleanField(_("the name is required"), default=False)
    fields = models.ManyToManyField(
        CustomField, blank=True, related_name="signup_forms", through="FormField"
    )
    statement = models.ForeignKey(ConsentStatement, models.PROTECT, related_name="+")
    consent = models.CharField(
        _("how people agree"), max_length=8, choices=Consent.options, default=Consent.CHECKBOX
    )
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    sends_welcome = models.BooleanField(_("send a welcome email"), default=False)
    signed_up_url = models.URLField(_("page after signing up"), max_length=500, blank=True)
    confirmed_url = models.URLField(_("page after confirming"), max_length=500, blank=True)
    origins = models.JSONField(_("sites that may embed the form"), default=list, blank=True)
    protection = models.CharField(
        _("protection"), max_length=8, choices=Protection.options, default=Protection.NORMAL
    )
    is_active = models.BooleanField(_("open"), default=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("signup form")
        verbose_name_plural = _("signup forms")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class FormField(models.Model):
    """A custom field as one form asks for it; empty words are the field's own."""

    form = models.ForeignKey(
        SignupForm, models.CASCADE, db_column="signupform_id", related_name="asked"
    )
    field = models.ForeignKey(
        CustomField, models.CASCADE, db_column="customfield_id", related_name="asked_by"
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_required = models.BooleanField(_("required"), default=False)
    label = models.CharField(_("label"), max_length=80, blank=True)
    help_text = models.CharField(_("help"), max_length=200, blank=True)

    class Meta:
        db_table = "subscribers_signupform_fields"
        verbose_name = _("field of a form")
        verbose_name_plural = _("fields of forms")
        ordering = ("position", "id")
        unique_together = (("form", "field"),)

    def __str__(self) -> str:
        return f"{self.form_id} · {self.field_id}"


class FormStatement(models.Model):
    """Since when a form has shown a consent statement; the newest row is the one it shows now."""

    form = models.ForeignKey(SignupForm, models.CASCADE, related_name="statements")
    statement = models.ForeignKey(ConsentStatement, models.PROTECT, related_name="+")
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("wording of a form")
        verbose_name_plural = _("wordings of forms")
        ordering = ("-since", "-id")

    def __str__(self) -> str:
        return f"{self.form_id} · {self.since:%Y-%m-%d}"


class SignupTally(models.Model):
    """What happened at a form within one hour (``hour`` is its beginning).

    ``mailed`` counts confirmation mails, ``confirmed`` the people who pressed their button,
    both in the hour in which it happened.
    """

    form = models.ForeignKey(SignupForm, models.CASCADE, related_name="tallies")
    hour = models.DateTimeField(_("hour"))
    seen = models.PositiveIntegerField(default=0, db_default=0)
    submitted = models.PositiveIntegerField(default=0, db_default=0)
    held = models.PositiveIntegerField(default=0, db_default=0)
    mailed = models.PositiveIntegerField(default=0, db_default=0)
    confirmed = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("sign-up tally")
        verbose_name_plural = _("sign-up tallies")
        constraints = [
            models.UniqueConstraint(fields=["form", "hour"], name="signup_tally_unique"),
        ]
        indexes = [models.Index(fields=["hour"], name="signup_tally_by_hour")]

    def __str__(self) -> str:
        return f"{self.form_id} · {self.hour:%Y-%m-%d %H}"
