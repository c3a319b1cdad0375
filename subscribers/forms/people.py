"""Forms of the pages about people, lists, fields and suppressions."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.input.numbers import row_number
from accounts.models import Workspace
from accounts.workspaces import zones
from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.bulk.field_changes import Options
from subscribers.consent import suppression
from subscribers.fields import custom_values, definitions
from subscribers.fields.problems import Problem
from subscribers.forms.public import PREFIX, OneLineField
from subscribers.models import CustomField, MailingList, SignupForm, Subscriber
from subscribers.people import tags
from subscribers.states import BulkKind, FieldType, FieldVisibility, Frequency


class SubscriberForm(forms.Form):
    """A person's address, name, language and custom fields, as a member enters them."""

    email = forms.CharField(label=_("Email address"), max_length=320)
    first_name = OneLineField(label=_("First name"))
    last_name = OneLineField(label=_("Last name"))
    language = forms.ChoiceField(label=_("Language"), required=False)
    frequency = forms.TypedChoiceField(
        label=_("How often"), choices=Frequency.choices, coerce=int, required=False, empty_value="0"
    )
    paused_until = forms.DateField(
        label=_("No emails until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The person gets no campaigns before this day."),
    )

    def __init__(
        self, *args: Any, workspace: Workspace, person: Subscriber | None = None, **kwargs: Any
    ) -> None:
        self.workspace, self.person = workspace, person
        self.asked = list(CustomField.objects.filter(workspace=workspace))
        if person is not None:
            kwargs["initial"] = {
                "email": person.email,
                "first_name": person.first_name,
                "last_name": person.last_name,
                "language": person.language,
                "frequency": person.frequency,
                "paused_until": person.paused_until
                and timezone.localtime(person.paused_until, zones.of_workspace(workspace)).date(),
                **{
                    PREFIX + f.key: definitions.as_text(person.fields.get(f.key))
                    for f in self.asked
                },
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
            address = addresses.normalise(str(self.cleaned_data["email"]))
        except Problem as problem:
            raise forms.ValidationError(f"{problem.message}. {problem.way_out}.") from problem
        before = self.person.email_key if self.person else ""
        if address.key != before and suppression.is_erased(self.workspace, email=address.email):
            raise forms.ValidationError(
                _(
                    "This address was erased on the person's request. If they want to be here "
                    "again, take it off the suppression list first."
                )
            )
        return address

    def clean(self) -> dict[str, Any]:
        """Read the custom fields by their types."""
        cleaned: dict[str, Any] = super().clean() or {}
        values: dict[str, Any] = {}
        for field in self.asked:
            text = str(cleaned.get(PREFIX + field.key) or "")
            try:
                value = definitions.parse(definitions.shape(field), text)
            except Problem as problem:
                self.add_error(PREFIX + field.key, f"{problem.message}. {problem.way_out}.")
                continue
            if value is not None:
                values[field.key] = value
        cleaned["fields"] = values
        cleaned["frequency"] = int(cleaned.get("frequency") or 0)
        said = custom_values.objections(
            self.workspace, values, asked=self.asked, person=self.person
        )
        for key, sentence in said.items():
            if PREFIX + key not in self.errors:
                self.add_error(PREFIX + key, sentence)
        return cleaned


def _field(field: CustomField) -> forms.Field:
    # Required is looked at with the values (`custom_values`), so that "–" and "" are one answer.
    common: dict[str, Any] = {
        "label": field.label if not field.is_required else f"{field.label} *",
        "required": False,
        "help_text": field.description,
    }
    if field.type == FieldType.CHOICE:
        choices = [("", "–"), *((choice, choice) for choice in field.choices)]
        return forms.ChoiceField(choices=choices, **common)
    if field.type == FieldType.BOOLEAN:
        choices = [("", "–"), ("yes", _("Yes")), ("no", _("No"))]
        return forms.ChoiceField(choices=choices, **common)
    widget = forms.DateInput(attrs={"type": "date"}) if field.type == FieldType.DATE else None
    return forms.CharField(max_length=2000, widget=widget, **common)


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
                "Double opt-in asks new people to confirm by email: the best "
                "proof that they agreed."
            ),
            "language": _("For its pages and emails, where a person's language is not known."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        languages = [("", _("The workspace's language")), *settings.LANGUAGES]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]  # a choice field

    def clean_name(self) -> str:
        """Refuse a name that another list has."""
        name = " ".join(str(self.cleaned_data["name"]).split())
        others = MailingList.objects.filter(workspace_id=self.instance.workspace_id, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another list has this name."))
        return name


class FieldOptionsForm(forms.Form):
    """What a field is called and how it behaves."""

    label = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Help text"),
        max_length=300,
        required=False,
        help_text=_("Appears below the field in forms and preferences."),
    )
    is_required = forms.BooleanField(
        label=_("Required"),
        required=False,
        help_text=_("Forms, members and programs must give a value."),
    )
    is_unique = forms.BooleanField(
        label=_("Unique"),
        required=False,
        help_text=_("No two people may have the same value: a customer number."),
    )
    show_in_forms = forms.BooleanField(
        label=_("Signup forms may ask for it"),
        required=False,
        help_text=_("Without this it is removed from the forms that ask for it."),
    )
    show_in_preferences = forms.ChoiceField(
        label=_("In the preference centre"),
        choices=FieldVisibility.choices,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, field: CustomField, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(field, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        if field.type not in custom_values.MAY_BE_UNIQUE:
            del self.fields["is_unique"]

    def options(self) -> Options:
        """Return the options that were given."""
        return Options(**{"is_unique": False, **self.cleaned_data})


class ChoicesForm(forms.Form):
    """A field's choices: each one with its new name (empty: removed), and further ones."""

    def __init__(self, *args: Any, field: CustomField, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.field = field

    def clean(self) -> dict[str, Any]:
        """Read the new order, names and removals.

        ``choice-N`` is the new name of the Nth choice; ``order-N`` its place; ``instead-N`` what
        its people get when it goes; ``more`` holds new choices, one a line.
        """
        kept: list[tuple[int, str]] = []
        renamed: dict[str, str] = {}
        for number, old in enumerate(self.field.choices):
            name = " ".join(str(self.data.get(f"choice-{number}", old)).split())[:120]
            place = row_number(str(self.data.get(f"order-{number}", ""))) or number + 1
            if name:
                kept.append((place, name))
            if name != old:
                instead = str(self.data.get(f"instead-{number}", ""))
                renamed[old] = name or instead
        more = [" ".join(line.split())[:120] for line in str(self.data.get("more", "")).split("\n")]
        ordered = [name for _place, name in sorted(kept, key=lambda pair: pair[0])]
        return {"choices": [*ordered, *(line for line in more if line)], "renamed": renamed}


def bulk_choices() -> list[tuple[str, Any]]:
    """Return what can be done with many people from the list of people."""
    offered = (
        BulkKind.ADD_TAG,
        BulkKind.REMOVE_TAG,
        BulkKind.SUBSCRIBE,
        BulkKind.UNSUBSCRIBE,
        BulkKind.ASK_AGAIN,
        BulkKind.SUPPRESS,
        BulkKind.DELETE,
        BulkKind.ERASE,
    )
    return [(kind.value, kind.label) for kind in offered]


class BulkForm(forms.Form):
    """What to do with many people."""

    action = forms.ChoiceField(
        label=_("What to do"),
        error_messages={
            "required": _("Choose what to do."),
            "invalid_choice": _("Choose what to do."),
        },
    )
    list = forms.ModelChoiceField(
        MailingList.objects.none(),
        label=_("List"),
        required=False,
        error_messages={"invalid_choice": _("Choose a list that is in use.")},
    )
    form = forms.ModelChoiceField(
        SignupForm.objects.none(), label=_("Signup form"), required=False, empty_label=None
    )
    tag = forms.CharField(label=_("Tag"), max_length=tags.LONGEST, required=False)
    detail = forms.CharField(label=_("Why"), max_length=300, required=False)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["action"].choices = bulk_choices()  # type: ignore[attr-defined]
        lists = MailingList.objects.filter(workspace=workspace, archived_at=None)
        self.fields["list"].queryset = lists  # type: ignore[attr-defined]
        signup_forms = SignupForm.objects.filter(workspace=workspace).order_by("name", "pk")
        self.fields["form"].queryset = signup_forms  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for a list or a tag where the action needs one."""
        cleaned: dict[str, Any] = super().clean() or {}
        action = cleaned.get("action")
        lists = action in (BulkKind.SUBSCRIBE, BulkKind.UNSUBSCRIBE)
        if lists and not cleaned.get("list") and "list" not in self.errors:
            self.add_error("list", _("Choose a list."))
        if action in (BulkKind.ADD_TAG, BulkKind.REMOVE_TAG):
            try:
                cleaned["tag"] = tags.clean(cleaned.get("tag", ""))
            except tags.TagError as error:
                self.add_error("tag", str(error))
        return cleaned

    def is_complete(self) -> bool:
        """Say whether what the page of its own asks for was given: how they agreed, which form."""
        action = self.cleaned_data["action"]
        if action == BulkKind.ASK_AGAIN:
            return self.cleaned_data["form"] is not None
        return action != BulkKind.SUBSCRIBE or bool(self.cleaned_data["detail"].strip())

    def settings(self) -> dict[str, Any]:
        """Return what the action is to be done with; a new tag is made."""
        cleaned = self.cleaned_data
        settings: dict[str, Any] = {"detail": cleaned["detail"].strip()}
        if cleaned["action"] in (BulkKind.SUBSCRIBE, BulkKind.UNSUBSCRIBE):
            settings |= {"list": cleaned["list"].pk, "name": cleaned["list"].name}
        if cleaned["action"] == BulkKind.ASK_AGAIN:
            settings |= {"form": cleaned["form"].pk, "name": cleaned["form"].name}
        if cleaned["action"] in (BulkKind.ADD_TAG, BulkKind.REMOVE_TAG):
            tag = tags.find_or_create(self.workspace, [cleaned["tag"]])[0]
            settings |= {"tag": tag.pk, "name": tag.name}
        return settings


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
