"""What a marketer decides about a sign-up form."""

from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers import consent
from subscribers.models import CustomField, MailingList, SignupForm

LONGEST_STATEMENT = 2_000


class SignupFormSettings(forms.ModelForm[SignupForm]):
    """Everything about a form; a new consent wording is kept beside the old ones."""

    statement_text = forms.CharField(
        label=_("What people agree to"),
        max_length=LONGEST_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Stands beside a box that people must tick. Every wording is kept, with who agreed to "
            "which one."
        ),
    )

    class Meta:
        model = SignupForm
        fields = (
            "name",
            "title",
            "introduction",
            "lists",
            "ask_name",
            "fields",
            "language",
            "is_active",
        )
        widgets = {
            "lists": forms.CheckboxSelectMultiple,
            "fields": forms.CheckboxSelectMultiple,
            "introduction": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {
            "name": _("Only you see it."),
            "title": _("The heading of the page."),
            "lists": _("Who signs up joins all of them."),
            "fields": _("Asked for on the form, and shown in the preference centre."),
            "language": _("Of the page and its mails."),
            "is_active": _("A closed form says so and takes nobody in."),
        }

    def __init__(self, *args: Any, workspace: Workspace, **options: Any) -> None:
        super().__init__(*args, **options)
        self.workspace = workspace
        self._choose("lists", MailingList.objects.filter(workspace=workspace, archived_at=None))
        self._choose("fields", CustomField.objects.filter(workspace=workspace))
        self.fields["language"].choices = [  # type: ignore[attr-defined]  # a choice field
            ("", _("The list's language")),
            *settings.LANGUAGES,
        ]
        if self.instance.pk:
            self.fields["statement_text"].initial = self.instance.statement.text
        self.order_fields(
            [
                "name",
                "title",
                "introduction",
                "lists",
                "ask_name",
                "fields",
                "statement_text",
                "language",
                "is_active",
            ]
        )

    def save(self, commit: bool = True) -> SignupForm:  # noqa: FBT001, FBT002 - Django's signature
        """Store the form and its wording."""
        with transaction.atomic():
            self.instance.workspace = self.workspace
            self.instance.statement = consent.statement(
                self.workspace, text=self.cleaned_data["statement_text"]
            )
            return super().save(commit=commit)

    def _choose(self, name: str, rows: Any) -> None:
        self.fields[name].queryset = rows  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
