"""What a member writes in place of the product's words."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from subscribers.signup import texts, wording
from subscribers.signup.texts import Kind


class TextForm(forms.Form):
    """One text in one language."""

    subject = forms.CharField(
        label=_("Subject"),
        max_length=texts.LONGEST_SUBJECT,
        required=False,
        help_text=_("Leave it empty to use the default subject."),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=texts.LONGEST,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("Markdown: **bold**, [link](https://…), lists with - at the line's beginning."),
    )

    def __init__(self, *args: Any, kind: Kind, tags: tuple[str, ...], **options: Any) -> None:
        super().__init__(*args, **options)
        self.tags = tags
        if kind not in texts.MAILS:
            del self.fields["subject"]

    def clean_subject(self) -> str:
        """Refuse what is no header."""
        return self._checked("subject")

    def clean_text(self) -> str:
        """Refuse tags that nobody fills in."""
        return self._checked("text")

    def _checked(self, name: str) -> str:
        given = str(self.cleaned_data[name])
        found = wording.problems(given, tags=self.tags)
        if found:
            raise forms.ValidationError(found)
        return given
