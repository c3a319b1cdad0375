"""Templates: their name and MJML."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns import lengths
from campaigns.forms.editor import LineField, refuse_if_longer
from campaigns.models import Template

if TYPE_CHECKING:
    _TemplateForm = forms.ModelForm[Template]
else:  # not subscriptable when running
    _TemplateForm = forms.ModelForm


class TemplateForm(_TemplateForm):
    """A template's name, description and source."""

    class Meta:
        model = Template
        fields = ("name", "description", "source")
        field_classes = {"name": LineField, "description": LineField}
        widgets = {"source": forms.Textarea(attrs={"rows": 24})}
        help_texts = {"source": _("Put {{ content }} where the writing of a campaign goes.")}

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.workspace = workspace
        source = self.fields["source"]
        source.validators = []  # `clean_source` says it with a way out
        source.widget.attrs.pop("maxlength", None)

    def clean_source(self) -> str:
        """Keep within what a template can hold."""
        return refuse_if_longer(self.cleaned_data["source"], lengths.TEMPLATE)

    def clean_name(self) -> str:
        """Keep names apart within a workspace."""
        name: str = self.cleaned_data["name"]
        others = Template.objects.filter(workspace=self.instance.workspace, name__iexact=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a template of this name. Choose another."))
        return name
