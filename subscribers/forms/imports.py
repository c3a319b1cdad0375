"""Forms of the import wizard."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers.imports import labels, sources
from subscribers.imports.encodings import ENCODINGS, canonical, every
from subscribers.models import Import, MailingList, SignupForm
from subscribers.states import ExistingPeople, SubscriptionStatus


class UploadForm(forms.Form):
    """A file, or pasted text."""

    file = forms.FileField(
        label=_("File"), required=False, help_text=_("CSV, TSV or XLSX, in any encoding.")
    )
    source = forms.ChoiceField(
        label=_("Where is it from?"),
        required=False,
        help_text=_("Most tools are recognised by their columns."),
    )
    text = forms.CharField(
        label=_("Or paste rows"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "email,first_name,city"}),
        max_length=4_000_000,
        strip=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the tools that are known."""
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", _("Recognise it")), *sources.choices()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for one of them."""
        cleaned = super().clean() or {}
        if not cleaned.get("file") and not (cleaned.get("text") or "").strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste some rows."))
        return cleaned


class ReadForm(forms.Form):
    """How the file is written, if it was not told rightly."""

    delimiter = forms.ChoiceField(label=_("Between the columns"))
    encoding = forms.ChoiceField(label=_("Encoding"))
    source = forms.ChoiceField(label=_("Where is it from?"), required=False)
    has_header = forms.BooleanField(label=_("The first row names the columns"), required=False)

    def __init__(self, data: Any = None, *, record: Import) -> None:
        """Offer what files use, and what this one was read with."""
        initial = {
            "delimiter": record.delimiter,
            "encoding": canonical(record.encoding or "utf-8"),
            "has_header": record.has_header,
            "source": record.source,
        }
        super().__init__(data, initial=initial)
        delimiters = DELIMITERS | {record.delimiter: DELIMITERS.get(record.delimiter, "")}
        self.fields["delimiter"].choices = [  # type: ignore[attr-defined]
            (value, label or value) for value, label in delimiters.items()
        ]
        others = [name for name in every() if name not in ENCODINGS]
        self.fields["encoding"].choices = [  # type: ignore[attr-defined]
            *ENCODINGS.items(),
            (_("Others"), [(name, name) for name in others]),
        ]
        self.fields["source"].choices = [("", _("Recognise it")), *sources.choices()]  # type: ignore[attr-defined]


DELIMITERS = {
    ",": _("Comma ,"),
    ";": _("Semicolon ;"),
    "\t": _("Tab"),
    "|": _("Vertical bar |"),
    "^": _("Caret ^"),
    "~": _("Tilde ~"),
    ":": _("Colon :"),
}


class ConsentForm(forms.Form):
    """Where imported people go, what they agreed to, and what becomes of those we know."""

    list = forms.ModelChoiceField(
        MailingList.objects.none(), label=_("List"), required=False, empty_label=_("Choose a list")
    )
    new_list = forms.CharField(
        label=_("Or a new list"),
        required=False,
        max_length=120,
        help_text=_("Made when the import starts."),
    )
    list_visibility = forms.ChoiceField(
        label=_("New lists are"),
        required=False,
        choices=[
            (
                MailingList.Visibility.PUBLIC,
                _("Public: people see them in their preferences, and join or leave by themselves"),
            ),
            (
                MailingList.Visibility.PRIVATE,
                _("Private: hidden. Who is on no other list sees an empty preferences page"),
            ),
        ],
        widget=forms.RadioSelect,
        initial=MailingList.Visibility.PRIVATE,
    )
    more_lists = forms.ModelMultipleChoiceField(
        MailingList.objects.none(),
        label=_("Also into"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    tags = forms.CharField(
        label=_("Tags for everybody in this file"),
        required=False,
        max_length=500,
        help_text=_("Separate them by commas, like: shop-2026, regulars"),
    )
    status = forms.ChoiceField(
        label=_("Subscription status"),
        choices=[
            (SubscriptionStatus.SUBSCRIBED, _("Subscribed: they agreed to hear from us")),
            (SubscriptionStatus.UNCONFIRMED, _("Unconfirmed: they still have to confirm")),
        ],
        widget=forms.RadioSelect,
        initial=SubscriptionStatus.SUBSCRIBED,
    )
    asks_with = forms.ModelChoiceField(
        SignupForm.objects.none(),
        label=_("Ask the unconfirmed to confirm by email"),
        required=False,
        empty_label=_("No, send nothing"),
        help_text=_("The confirmation email of this form, to at most 600 people a minute."),
    )
    statement = forms.CharField(
        label=_("How did they agree?"),
        help_text=_("Kept with every person as the proof of their consent."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    existing = forms.ChoiceField(
        label=_("People we know already"),
        choices=ExistingPeople.options(),
        widget=forms.RadioSelect,
        initial=ExistingPeople.OVERWRITE,
    )
    bring_back = forms.BooleanField(
        label=_("Subscribe people again who unsubscribed from these lists or from everything"),
        required=False,
        help_text=_(
            "They asked not to get your emails. Tick this only if they have "
            "asked you for them since. Nobody who bounced, complained or was "
            "erased comes back by this."
        ),
    )
    bring_back_reason = forms.CharField(
        label=_("When and how did they ask to come back?"),
        required=False,
        max_length=200,
        help_text=_("Kept in the consent history of each of them."),
    )

    def __init__(
        self, *args: Any, workspace: Workspace, has_list_column: bool = False, **kwargs: Any
    ) -> None:
        """Offer the workspace's own lists and forms; a column may name the lists instead."""
        super().__init__(*args, **kwargs)
        self._workspace = workspace
        self._has_list_column = has_list_column
        lists = workspace.lists.filter(archived_at=None)
        self.fields["list"].queryset = lists  # type: ignore[attr-defined]
        self.fields["more_lists"].queryset = lists  # type: ignore[attr-defined]
        self.fields["asks_with"].queryset = workspace.signup_forms.all()  # type: ignore[attr-defined]
        if lists.count() < 2:  # noqa: PLR2004 - there is no second one
            del self.fields["more_lists"]

    def clean_tags(self) -> Sequence[str]:
        """Cut the tags apart."""
        found = labels.names(self.cleaned_data["tags"])
        if any(len(name) > labels.LONGEST["tags"] for name in found):
            raise forms.ValidationError(_("A tag has at most 80 characters."))
        return found

    def clean_list_visibility(self) -> str:
        """Hide new lists unless somebody chose otherwise."""
        return self.cleaned_data["list_visibility"] or MailingList.Visibility.PRIVATE

    def clean_new_list(self) -> str:
        """Keep the name on one line."""
        return " ".join(self.cleaned_data["new_list"].split())

    def clean(self) -> dict[str, Any]:
        """Ask for a list, a reason, and a form that knows the list."""
        cleaned = super().clean() or {}
        if not (self.chosen_lists() or cleaned.get("new_list") or self._has_list_column):
            self.add_error("list", _("Choose a list, or name a new one."))
        if cleaned.get("bring_back") and not cleaned.get("bring_back_reason", "").strip():
            self.add_error("bring_back_reason", _("Say when and how they asked to come back."))
        if cleaned.get("status") == SubscriptionStatus.UNCONFIRMED:
            self._check_form(cleaned.get("asks_with"))
        return cleaned

    def chosen_lists(self) -> Sequence[MailingList]:
        """Return the lists for everybody, each once, the first one first."""
        first = self.cleaned_data.get("list")
        more = [one for one in self.cleaned_data.get("more_lists", []) if one != first]
        return [first, *more] if first else more

    def _check_form(self, form: SignupForm | None) -> None:
        lists = self.chosen_lists()
        if form and not form.lists.filter(pk__in=[one.pk for one in lists]).exists():
            self.add_error(
                "asks_with",
                _("This form signs up for other lists. Choose one of a list that you import into."),
            )
