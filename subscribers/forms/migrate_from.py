"""What another tool handed out, and where its people go."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from subscribers.models import MailingList
from subscribers.states import ExistingPeople, MigrationSource, SuppressionReason

# `ERASED` is a person's own wish, which a file can't tell.
REASONS = [(one.value, one.label) for one in SuppressionReason if one != SuppressionReason.ERASED]


class FilesInput(forms.ClearableFileInput):
    """Takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Cleans into a list of files."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        """Check each file."""
        several = data if isinstance(data, (list, tuple)) else [data]
        return [super(FilesField, self).clean(one, initial) for one in several]


class MigrationForm(forms.Form):
    """Files, and for people a list and what they agreed to."""

    uploads = FilesField(label=_("Files"))
    list = forms.ModelChoiceField(
        MailingList.objects.none(),
        label=_("List"),
        required=False,
        empty_label=_("Create a new list"),
    )
    new_list = forms.CharField(
        label=_("Name of the new list"),
        required=False,
        max_length=120,
        help_text=_(
            "Only if you chose no list above. It is private at first: people see its name nowhere "
            "until you make it public in its settings."
        ),
    )
    existing = forms.ChoiceField(
        label=_("People we know already"),
        choices=ExistingPeople.options,
        initial=ExistingPeople.FILL,
        required=False,
    )
    statement = forms.CharField(
        label=_("What did they agree to there?"),
        help_text=_("The text of your form there. Kept as the proof, beside the old times."),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    reason = forms.ChoiceField(
        label=_("Reason, for addresses without one"),
        choices=REASONS,
        initial=SuppressionReason.IMPORTED,
    )

    def __init__(self, *args: Any, workspace: Workspace, source: str, **kwargs: Any) -> None:
        """Ask only for what this tool's files need."""
        super().__init__(*args, **kwargs)
        self._workspace = workspace
        if source == MigrationSource.SUPPRESSIONS:
            for name in ("list", "new_list", "existing", "statement"):
                del self.fields[name]
        else:
            del self.fields["reason"]
            self.fields["list"].help_text = _("Choose one, or name a new one below.")
            for name in ("list", "new_list"):  # one of them is needed: neither is "optional"
                self.fields[name].is_one_of = True  # type: ignore[attr-defined]  # for the template
            lists = MailingList.objects.filter(workspace=workspace, archived_at=None)
            self.fields["list"].queryset = lists  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for one list, old or new."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "list" not in self.fields or cleaned.get("list"):
            return cleaned
        name = " ".join(str(cleaned.get("new_list", "")).split())
        if not name:
            self.add_error("new_list", _("Choose a list, or name a new one."))
        elif MailingList.objects.filter(workspace=self._workspace, name=name).exists():
            self.add_error("new_list", _("There is a list of this name. Choose it above."))
        cleaned["new_list"] = name
        return cleaned
