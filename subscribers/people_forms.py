"""Forms of the pages about people, lists, fields and suppressions."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers import addresses, fields
from subscribers.addresses import Address
from subscribers.models import CustomField, MailingList, Subscriber
from subscribers.problems import Problem
from subscribers.public_forms import PREFIX, OneLineField
from subscribers.states import FieldType


class ProfileForm(forms.Form):
    """A person's address, name, language and custom fields, as a member enters them."""

    email = forms.CharField(label=_("Email address"), max_length=320)
    first_name = OneLineField(label=_("First name"))
    last_name = OneLineField(label=_("Last name"))
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(
        self, *args: Any, workspace: Workspace, person: Subscriber | None = None, **kwargs: Any
    ) -> None:
        self.asked = list(CustomField.objects.filter(workspace=workspace))
        if person is not None:
            kwargs["initial"] = {
                "email": person.email,
                "first_name": person.first_name,
                "last_name": person.last_name,
                "language": person.language,
                **{PREFIX + f.key: fields.as_text(person.fields.get(f.key)) for f in self.asked},
            }
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("Not known")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        for field in self.asked:
            self.fields[PREFIX + field.key] = _field(field)

    def clean_email(self) -> Address:
        """Read the address.

        Raises:
            forms.ValidationError: it can't be one; says why and the way out.
        """
        try:
            return addresses.normalise(str(self.cleaned_data["email"]))
        except Problem as problem:
            raise forms.ValidationError(f"{problem.message}. {problem.way_out}.") from problem

    def clean(self) -> dict[str, Any]:
        """Read the custom fields by their types."""
        cleaned: dict[str, Any] = super().clean() or {}
        values: dict[str, Any] = {}
        for field in self.asked:
            text = str(cleaned.get(PREFIX + field.key) or "")
            try:
                value = fields.parse(fields.shape(field), text)
            except Problem as problem:
                self.add_error(PREFIX + field.key, f"{problem.message}. {problem.way_out}.")
                continue
            if value is not None:
                values[field.key] = value
        cleaned["fields"] = values
        return cleaned


def _field(field: CustomField) -> forms.Field:
    if field.type == FieldType.CHOICE:
        choices = [("", "–"), *((choice, choice) for choice in field.choices)]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    if field.type == FieldType.BOOLEAN:
        choices = [("", "–"), ("yes", _("Yes")), ("no", _("No"))]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    widget = forms.DateInput(attrs={"type": "date"}) if field.type == FieldType.DATE else None
    return forms.CharField(label=field.label, required=False, max_length=2000, widget=widget)


class ListForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for mypy
    """A list's name, and how people join it."""

    class Meta:
        model = MailingList
        fields: ClassVar = ["name", "description", "visibility", "opt_in", "language"]
        widgets: ClassVar = {"visibility": forms.RadioSelect, "opt_in": forms.RadioSelect}
        help_texts: ClassVar = {
            "description": _("People read it when they choose their lists."),
            "visibility": _("People see public lists in forms and in their preferences."),
            "opt_in": _(
                "Double opt-in asks new people to confirm by mail: the best proof that they agreed."
            ),
            "language": _("Of its pages and mails, for people whose language is not known."),
        }

    def clean_name(self) -> str:
        """Refuse a name that another list has."""
        name = " ".join(str(self.cleaned_data["name"]).split())
        others = MailingList.objects.filter(workspace_id=self.instance.workspace_id, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another list has this name."))
        return name


class FieldForm(forms.Form):
    """A new custom field."""

    label = forms.CharField(label=_("Name"), max_length=80)
    type = forms.ChoiceField(label=_("Type"), choices=FieldType.options)
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line; only for choices."),
    )

    def clean(self) -> dict[str, Any]:
        """Choices need choices."""
        cleaned: dict[str, Any] = super().clean() or {}
        lines = [line.strip() for line in str(cleaned.get("choices", "")).splitlines()]
        cleaned["choices"] = list(dict.fromkeys(line for line in lines if line))
        kinds = (FieldType.CHOICE, FieldType.MULTI_CHOICE)
        if cleaned.get("type") in kinds and not cleaned["choices"]:
            self.add_error("choices", _("Write the choices, one a line."))
        return cleaned
