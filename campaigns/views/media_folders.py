"""Folders of the media library: made, renamed, moved, deleted."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.numbers import row_number
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns.forms.media import FolderForm
from campaigns.media import folders
from campaigns.models import Picture, PictureFolder


@member(Permission.EDIT)
@once
def new(request: MemberRequest) -> HttpResponse:
    """Make a folder."""
    inside = row_number(request.GET.get("inside", ""))
    form = FolderForm(
        request.POST or None, workspace=request.workspace, initial={"parent": inside or ""}
    )
    if request.method == "POST" and form.is_valid():
        try:
            folder = folders.make(request.workspace, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            return _to(folder)
    status = 422 if form.errors else 200
    return render(
        request, "campaigns/media_folder.html", {"form": form, "folder": None}, status=status
    )


@member(Permission.EDIT)
def edit(request: MemberRequest, folder_id: int) -> HttpResponse:
    """Rename a folder or move it into another."""
    folder = _find(request, folder_id)
    revised = Editing(request, folder)

    def filled(row: PictureFolder) -> FolderForm:
        values = {"name": row.name, "parent": row.parent_id or ""}
        return FolderForm(workspace=request.workspace, initial=values)

    form = revised.attach(
        FolderForm(request.POST, workspace=request.workspace)
        if request.method == "POST"
        else filled(folder)
    )
    if request.method == "POST" and form.is_valid():
        try:
            if revised.save(
                form,
                lambda: folders.save(folder, **form.cleaned_data),
                lambda: filled(_find(request, folder_id)),
            ):
                messages.success(request, _("Saved."))
                return _to(folder)
        except ValidationError as wrong:
            form.add_error(None, wrong)
    status = 422 if form.errors else 409 if revised.conflict else 200
    stored = _find(request, folder_id)
    return render(
        request, "campaigns/media_folder.html", {"form": form, "folder": stored}, status=status
    )


@member(Permission.EDIT)
def delete(request: MemberRequest, folder_id: int) -> HttpResponse:
    """Ask, then delete a folder; its pictures stay in the library."""
    folder = _find(request, folder_id)
    if request.method == "POST":
        folders.delete(folder)
        text = _("The folder “%(name)s” was deleted. Its pictures are still in the library.")
        messages.success(request, text % {"name": folder.name})
        return redirect("media_library")
    pictures = Picture.objects.filter(folder=folder, hidden_at=None).count()
    context = {"folder": folder, "pictures": pictures}
    return render(request, "campaigns/media_folder_delete.html", context)


def _find(request: MemberRequest, folder_id: int) -> PictureFolder:
    found = PictureFolder.objects.select_related("parent")
    return own(request, found, folder_id)


def _to(folder: PictureFolder) -> HttpResponse:
    return redirect(f"{reverse('media_library')}?folder={folder.pk}")
