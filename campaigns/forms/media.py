"""What is typed about pictures and folders."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.forms.editor import LineField
from campaigns.media import folders, limits, names
from campaigns.models import Picture, PictureFolder


class FolderChoice(forms.ChoiceField):
    """A folder of the workspace, or none."""

    def __init__(self, *, empty: Any = None, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.empty = empty or _("No folder")
        self.found: dict[str, PictureFolder] = {}

    def offer(self, workspace: Workspace) -> None:
        """Offer the folders that there are."""
        shown = folders.tree(workspace)
        self.found = {str(one.folder.pk): one.folder for one in shown}
        self.choices = [("", self.empty), *((str(one.folder.pk), one.path) for one in shown)]

    def clean(self, value: Any) -> PictureFolder | None:
        """Return the folder."""
        return self.found.get(super().clean(value))


class PictureForm(forms.Form):
    """What a picture is called and shows, and where it lies."""

    name = LineField(label=_("Name"), max_length=names.LONGEST)
    alt_text = LineField(
        label=_("Alternative text"),
        max_length=500,
        required=False,
        help_text=_(
            "What the picture shows, for people who do not see it. Used when you insert it."
        ),
    )
    folder = FolderChoice(label=_("Folder"))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _folder_field(self, "folder").offer(workspace)

    @classmethod
    def stored(cls, picture: Picture) -> "PictureForm":
        """Show what is stored."""
        return cls(
            workspace=picture.workspace,
            initial={
                "name": picture.name,
                "alt_text": picture.alt_text,
                "folder": picture.folder_id,
            },
        )


class FolderForm(forms.Form):
    """What a folder is called, and where it lies."""

    name = LineField(label=_("Name"), max_length=80)
    parent = FolderChoice(label=_("Inside"), empty=_("At the top"))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _folder_field(self, "parent").offer(workspace)


class ShapeForm(forms.Form):
    """Which part of a picture, and how wide, in pixels."""

    left = forms.IntegerField(label=_("From the left"), min_value=0)
    top = forms.IntegerField(label=_("From the top"), min_value=0)
    width = forms.IntegerField(label=_("Width of the part"), min_value=1)
    height = forms.IntegerField(label=_("Height of the part"), min_value=1)
    wide = forms.IntegerField(
        label=_("Scale to a width of"),
        min_value=1,
        max_value=limits.WIDEST,
        required=False,
        help_text=_("Empty: as wide as the part. A picture never grows."),
    )

    def __init__(self, *args: Any, picture: Picture, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.picture = picture
        for name, most in (
            ("left", picture.width - 1),
            ("top", picture.height - 1),
            ("width", picture.width),
            ("height", picture.height),
        ):
            self.fields[name].widget.attrs["max"] = most

    @classmethod
    def whole(cls, picture: Picture) -> "ShapeForm":
        """Begin with the whole picture."""
        whole = {"left": 0, "top": 0, "width": picture.width, "height": picture.height}
        return cls(picture=picture, initial=whole)

    def clean(self) -> dict[str, Any]:
        """Keep the part within the picture."""
        data = super().clean() or self.cleaned_data
        for start, length, whole, words in (
            ("left", "width", self.picture.width, _("The picture is %(whole)d pixels wide.")),
            ("top", "height", self.picture.height, _("The picture is %(whole)d pixels high.")),
        ):
            if start in data and length in data and data[start] + data[length] > whole:
                self.add_error(length, ValidationError(words, params={"whole": whole}))
        return data

    @property
    def crop(self) -> tuple[int, int, int, int]:
        """Return left, top, width and height."""
        data = self.cleaned_data
        return data["left"], data["top"], data["width"], data["height"]

    @property
    def scaled(self) -> int:
        """Return the width to scale to; 0: as it is."""
        return int(self.cleaned_data.get("wide") or 0)


def _folder_field(form: forms.Form, name: str) -> FolderChoice:
    field = form.fields[name]
    assert isinstance(field, FolderChoice)  # noqa: S101 - for the type checker
    return field
