"""The form of a segment's name; its rules are read by `subscribers.segments.rule_editor`."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers.models import Segment


class SegmentForm(forms.Form):
    """Name and description; ``segment`` is the one that is written."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=300, required=False)

    def __init__(self, *args: Any, segment: Segment, **options: Any) -> None:
        self.segment = segment
        options.setdefault("initial", {"name": segment.name, "description": segment.description})
        super().__init__(*args, **options)

    def clean_name(self) -> str:
        """Refuse the name of another segment."""
        name = " ".join(self.cleaned_data["name"].split())
        others = Segment.objects.filter(workspace=self.segment.workspace, name=name)
        if others.exclude(pk=self.segment.pk).exists():
            raise forms.ValidationError(_("Another segment has this name."))
        return name
