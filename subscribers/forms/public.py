"""What strangers and subscribers fill in on public pages."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _

from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.fields import definitions
from subscribers.fields.definitions import Asked
from subscribers.fields.problems import Problem
from subscribers.models import CustomField, MailingList, SignupForm
from subscribers.people.people import LONGEST_NAME
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
    """The custom fields that people are asked for."""

    def __init__(
        self, *args: Any, asked: Iterable[Asked], values: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.asked = list(asked)
        for one in self.asked:
            self.fields[PREFIX + one.field.key] = _form_field(one, values.get(one.field.key))

    def custom_values(self) -> dict[str, Any]:
        """Return the typed values by key, None where nothing was given."""
        return {
            one.field.key: self.cleaned_data.get(PREFIX + one.field.key)
            for one in self.asked
            if not one.is_shown_only
        }

    def clean(self) -> dict[str, Any]:
        """Read each value as its type."""
        for one in self.asked:
            name = PREFIX + one.field.key
            given = self.cleaned_data.get(name)
            if one.is_shown_only:
                continue
            try:
                self.cleaned_data[name] = _typed(one.field, given)
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
        _name_the_names(self)
        language = self.fields["language"]
        language.label = _("Language")
        language.choices = [("", _("Same as the newsletter")), *settings.LANGUAGES]  # type: ignore[attr-defined]  # a ChoiceField


class SignUpForm(PersonForm):
    """A sign-up as a form of ours asks for it."""

    email = forms.CharField(max_length=400)
    first_name = OneLineField()
    last_name = OneLineField()
    agree = forms.BooleanField()

    def __init__(
        self,
        *args: Any,
        signup_form: SignupForm,
        lists: Iterable[MailingList] = (),
        **options: Any,
    ) -> None:
        asked = [
            Asked(
                field=one.field,
                label=one.label or one.field.label,
                help_text=one.help_text,
                is_required=one.is_required,
            )
            for one in signup_form.asked.all()
        ]
        super().__init__(*args, asked=asked, values={}, **options)
        email = self.fields["email"]
        email.label = _("Email address")
        email.error_messages["required"] = _("Write your address, like name@example.com.")
        email.widget = forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"})
        self._agree(signup_form)
        _name_the_names(self)
        for name, is_asked in (
            ("first_name", signup_form.ask_name),
            ("last_name", signup_form.ask_last_name),
        ):
            self.fields[name].required = signup_form.is_name_required
            if not is_asked:
                del self.fields[name]
        if signup_form.lets_choose:
            self._choose(list(lists))

    def _agree(self, signup_form: SignupForm) -> None:
        if signup_form.consent == SignupForm.Consent.SENTENCE:
            del self.fields["agree"]
            return
        self.fields["agree"].label = signup_form.statement.text
        self.fields["agree"].error_messages["required"] = _(
            "Tick this box if you agree; we may not write to you otherwise."
        )

    def _choose(self, lists: list[MailingList]) -> None:
        self.fields["list"] = forms.MultipleChoiceField(
            label=_("What would you like to get?"),
            choices=[(str(one.pk), one.name) for one in lists],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "required": _("Tick at least one, so that there is something to send you.")
            },
        )

    def clean_email(self) -> Address:
        """Read the address."""
        try:
            return addresses.normalise(self.cleaned_data["email"])
        except Problem as problem:
            raise forms.ValidationError(f"{problem.message}. {problem.way_out}.") from problem


def _name_the_names(form: forms.Form) -> None:
    for name, label, hint in (
        ("first_name", _("First name"), "given-name"),
        ("last_name", _("Last name"), "family-name"),
    ):
        form.fields[name].label = label
        form.fields[name].widget.attrs["autocomplete"] = hint


def _form_field(asked: Asked, value: Any) -> forms.Field:  # noqa: PLR0911 - one for each type
    field = asked.field
    kind = FieldType(field.type)
    common: dict[str, Any] = {
        "label": asked.label,
        "help_text": asked.help_text,
        "required": asked.is_required,
        "initial": value,
    }
    if asked.is_shown_only:
        shown = definitions.display(definitions.shape(field), value)
        return forms.CharField(**common | {"required": False, "initial": shown}, disabled=True)
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
        common["initial"] = definitions.as_text(value)
        return forms.CharField(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common)
    return forms.CharField(max_length=definitions.LONGEST_TEXT, **common)


def _typed(field: CustomField, given: Any) -> Any:
    if isinstance(given, bool):
        return given
    if isinstance(given, list):
        return given or None
    return definitions.parse(definitions.shape(field), given or "")
