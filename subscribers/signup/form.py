"""What a marketer decides about a sign-up form."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers.consent import ledger
from subscribers.models import CustomField, FormField, FormStatement, MailingList, SignupForm
from subscribers.signup import origins

LONGEST_STATEMENT = 2_000
PARTS = ("ask", "position", "required", "label", "help")


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """A custom field of the workspace, and what this form does with it."""

    field: CustomField
    ask: BoundField
    position: BoundField
    required: BoundField
    label: BoundField
    help: BoundField


def _list_name(mailing_list: MailingList) -> str:
    """Name a list, and say when it is archived: who signs up doesn't join it."""
    if mailing_list.archived_at is None:
        return mailing_list.name
    return gettext("%(name)s (archived)") % {"name": mailing_list.name}


class SignupFormSettings(forms.ModelForm[SignupForm]):
    """Everything about a form; a new consent wording is kept beside the old ones."""

    statement_text = forms.CharField(
        label=_("What people agree to"),
        max_length=LONGEST_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Every wording is kept, with who agreed to which one."),
    )
    origins_text = forms.CharField(
        label=_("Sites that may embed it"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://example.org"}),
        help_text=_("One a line. Empty: any site may."),
    )

    class Meta:
        model = SignupForm
        fields = (
            "name",
            "title",
            "introduction",
            "lists",
            "lets_choose",
            "ask_name",
            "ask_last_name",
            "is_name_required",
            "consent",
            "language",
            "sends_welcome",
            "signed_up_url",
            "confirmed_url",
            "protection",
            "is_active",
        )
        widgets = {
            "lists": forms.CheckboxSelectMultiple,
            "introduction": forms.Textarea(attrs={"rows": 3}),
            "consent": forms.RadioSelect,
            "protection": forms.RadioSelect,
        }
        help_texts = {
            "name": _("Only you see it."),
            "title": _("The heading of the page."),
            "lists": _("Who signs up joins all of them, unless people may choose."),
            "sends_welcome": _("Once, when somebody has confirmed."),
            "signed_up_url": _("Instead of our own page; on your website or a site named below."),
            "confirmed_url": _("The same for people who press the button in the email."),
            "protection": _(
                "Browsers solve a short puzzle that keeps bots from flooding "
                "the form. People without JavaScript skip it, and always "
                "confirm by email."
            ),
            "is_active": _("A closed form says so and accepts no sign-ups."),
        }

    def __init__(self, *args: Any, workspace: Workspace, **options: Any) -> None:
        super().__init__(*args, **options)
        self.workspace = workspace
        lists = MailingList.objects.filter(workspace=workspace)
        kept = self.instance.lists.values("pk") if self.instance.pk else []
        lists = lists.filter(Q(archived_at=None) | Q(pk__in=kept))
        self.fields["lists"].queryset = lists  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
        self.fields["lists"].label_from_instance = _list_name  # type: ignore[attr-defined]
        self.fields["language"].choices = [  # type: ignore[attr-defined]  # a choice field
            ("", _("As the list, else the workspace")),
            *settings.LANGUAGES,
        ]
        if self.instance.pk:
            self.fields["statement_text"].initial = self.instance.statement.text
            self.fields["origins_text"].initial = "\n".join(self.instance.origins)
        self.fields["language"].help_text = self._languagegettext()
        self._add_rows()

    def _languagegettext(self) -> str:
        """Say in which language the page and its mails are, and why."""
        lists = list(self.instance.lists.all()) if self.instance.pk else []
        by_list = next((one for one in lists if one.language), None)
        names = dict(settings.LANGUAGES)
        if self.instance.language:
            code, text = self.instance.language, gettext("Now %(language)s, chosen here.")
        elif by_list:
            code, text = (
                by_list.language,
                gettext("Now %(language)s, the language of the list “%(list)s”."),
            )
        else:
            code, text = (
                self.workspace.default_language,
                gettext("Now %(language)s, the workspace's language."),
            )
        why = text % {"language": names.get(code, code), "list": by_list.name if by_list else ""}
        return gettext("For the page and its emails. %(why)s") % {"why": why}

    def _add_rows(self) -> None:
        known = {one.field_id: one for one in self.instance.asked.all()} if self.instance.pk else {}
        offered = CustomField.objects.filter(workspace=self.workspace)
        # One that may no longer be asked for stays until it is taken off.
        self.offered = [one for one in offered if one.show_in_forms or one.pk in known]
        self.offered.sort(
            key=lambda one: (one.pk not in known, known[one.pk].position if one.pk in known else 0)
        )
        for place, field in enumerate(self.offered, start=1):
            asked = known.get(field.pk)
            parts: dict[str, forms.Field] = {
                "ask": forms.BooleanField(initial=bool(asked), label=_("Ask for it")),
                "position": forms.IntegerField(
                    initial=place, min_value=1, max_value=999, label=_("Position")
                ),
                "required": forms.BooleanField(
                    initial=asked.is_required if asked else field.is_required, label=_("Required")
                ),
                "label": forms.CharField(
                    max_length=80,
                    initial=asked.label if asked else "",
                    label=_("Label"),
                    widget=forms.TextInput(attrs={"placeholder": field.label}),
                ),
                "help": forms.CharField(
                    max_length=200, initial=asked.help_text if asked else "", label=_("Help")
                ),
            }
            for part, form_field in parts.items():
                form_field.required = False
                self.fields[f"{part}_{field.pk}"] = form_field

    @property
    def rows(self) -> list[FieldRow]:
        """The custom fields as a table."""
        return [
            FieldRow(field=one, **{part: self[f"{part}_{one.pk}"] for part in PARTS})
            for one in self.offered
        ]

    def clean_origins_text(self) -> list[str]:
        """Read the sites, one a line."""
        found, wrong = [], []
        for line in self.cleaned_data["origins_text"].split():
            try:
                found.append(origins.read_origin(line))
            except ValueError as error:
                wrong.append(str(error))
        if len(found) > origins.MOST:
            wrong.append(gettext("At most %(most)s sites.") % {"most": origins.MOST})
        if wrong:
            raise forms.ValidationError(wrong)
        return list(dict.fromkeys(found))

    def clean(self) -> dict[str, Any]:
        """Refuse pages to lead to that are not the workspace's own."""
        data = super().clean() or self.cleaned_data
        trial = SignupForm(workspace=self.workspace, origins=data.get("origins_text") or [])
        for name in ("signed_up_url", "confirmed_url"):
            url = data.get(name)
            if url and not origins.may_lead_to(trial, url):
                hosts = ", ".join(sorted(origins.own_hosts(trial)))
                self.add_error(
                    name,
                    gettext(
                        "It must begin with https:// and lead to a site of yours: %(hosts)s. Name "
                        "another one under “Sites that may embed it”, or as your website."
                    )
                    % {"hosts": hosts},
                )
        return data

    def save(self, commit: bool = True) -> SignupForm:  # noqa: FBT001, FBT002 - Django's signature
        """Store the form, its fields and its wording."""
        with transaction.atomic():
            self.instance.workspace = self.workspace
            self.instance.origins = self.cleaned_data["origins_text"]
            self.instance.statement = ledger.statement(
                self.workspace, text=self.cleaned_data["statement_text"]
            )
            saved = super().save(commit=commit)
            newest = FormStatement.objects.filter(form=saved).first()
            if newest is None or newest.statement_id != saved.statement_id:
                FormStatement.objects.create(form=saved, statement=saved.statement)
            self._save_rows(saved)
        return saved

    def _save_rows(self, form: SignupForm) -> None:
        data = self.cleaned_data
        asked = [one for one in self.offered if data.get(f"ask_{one.pk}")]
        asked.sort(key=lambda one: data.get(f"position_{one.pk}") or 999)
        FormField.objects.filter(form=form).exclude(field__in=asked).delete()
        for place, field in enumerate(asked, start=1):
            FormField.objects.update_or_create(
                form=form,
                field=field,
                defaults={
                    "position": place,
                    "is_required": data[f"required_{field.pk}"],
                    "label": data[f"label_{field.pk}"],
                    "help_text": data[f"help_{field.pk}"],
                },
            )
