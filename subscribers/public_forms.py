"""What strangers and subscribers fill in on public pages."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _

from subscribers import addresses, fields
from subscribers.addresses import Address
from subscribers.models import CustomField, SignupForm
from subscribers.people import LONGEST_NAME
from subscribers.problems import Problem
from subscribers.states import FieldType

PREFIX = "field_"
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]").search


class OneLineField(forms.CharField):
    """Text that may reach a mail's header: one line, nothing invisible that ends it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=LONGEST_NAME, **options)

    def clean(self, value: Any) -> Any:
        """Return the text stripped.

        Raises:
            forms.ValidationError: it is too long or holds control characters.
        """
        cleaned = super().clean(value)
        if CONTROL(cleaned):
            raise forms.ValidationError(_("A name stands on one line. Remove the line break."))
        return cleaned


class PersonForm(forms.Form):
    """The custom fields of a workspace that people are asked for."""

    def __init__(
        self, *args: Any, asked: Iterable[CustomField], values: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.asked = list(asked)
        for field in self.asked:
            self.fields[PREFIX + field.key] = _form_field(field, values.get(field.key))

    def custom_values(self) -> dict[str, Any]:
        """Return the typed values by key, None where nothing was given."""
        return {field.key: self.cleaned_data.get(PREFIX + field.key) for field in self.asked}

    def clean(self) -> dict[str, Any]:
        """Read each value as its type."""
        for field in self.asked:
            name = PREFIX + field.key
            given = self.cleaned_data.get(name)
            try:
                self.cleaned_data[name] = _typed(field, given)
            except Problem as problem:
                self.add_error(name, f"{problem.message}. {problem.way_out}.")
        return self.cleaned_data


class PreferencesForm(PersonForm):
    """Name, language and fields of somebody we know."""

    first_name = OneLineField()
    last_name = OneLineField()
    language = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["first_name"].label = _("First name")
        self.fields["last_name"].label = _("Last name")
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"
        language = self.fields["language"]
        language.label = _("Language")
        language.choices = [("", _("As the list is written")), *settings.LANGUAGES]  # type: ignore[attr-defined]  # a ChoiceField


class JoinForm(PersonForm):
    """A sign-up as a form of ours asks for it."""

    email = forms.CharField(max_length=400)
    first_name = OneLineField()
    agree = forms.BooleanField()

    def __init__(self, *args: Any, signup_form: SignupForm, **options: Any) -> None:
        super().__init__(*args, asked=signup_form.fields.all(), values={}, **options)
        email = self.fields["email"]
        email.label = _("Email address")
        email.error_messages["required"] = _("Write your address, like name@example.com.")
        email.widget = forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"})
        self.fields["agree"].label = signup_form.statement.text
        self.fields["agree"].error_messages["required"] = _(
            "Tick this box if you agree; we may not write to you otherwise."
        )
        if signup_form.ask_name:
            self.fields["first_name"].label = _("First name")
            self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        else:
            del self.fields["first_name"]

    def clean_email(self) -> Address:
        """Read the address."""
        try:
            return addresses.normalise(self.cleaned_data["email"])
        except Problem as problem:
            raise forms.ValidationError(f"{problem.message}. {problem.way_out}.") from problem


def _form_field(field: CustomField, value: Any) -> forms.Field:  # noqa: PLR0911 - one for each type
    kind = FieldType(field.type)
    common: dict[str, Any] = {"label": field.label, "required": False, "initial": value}
    options = [(choice, choice) for choice in field.choices]
    if kind is FieldType.BOOLEAN:
        return forms.BooleanField(**common)
    if kind is FieldType.CHOICE:
        return forms.ChoiceField(choices=[("", "–"), *options], **common)
    if kind is FieldType.MULTI_CHOICE:
        widget = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=options, widget=widget, **common)
    if kind is FieldType.DATE:
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    if kind is FieldType.URL:
        return forms.CharField(widget=forms.URLInput(attrs={"inputmode": "url"}), **common)
    if kind is FieldType.NUMBER:
        common["initial"] = fields.as_text(value)
        return forms.CharField(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common)
    return forms.CharField(max_length=fields.LONGEST_TEXT, **common)


def _typed(field: CustomField, given: Any) -> Any:
    if isinstance(given, bool):
        return given
    if isinstance(given, list):
        return given or None
    return fields.parse(fields.shape(field), given or "")
