"""The media library for programs: pictures in, found, described and out."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form, Query, Router, Schema, Status
from ninja.errors import HttpError
from ninja.files import UploadedFile
from pydantic import Field

from accounts.models import Workspace
from accounts.roles import Permission
from api.access import workspace_of
from api.segments import Line
from campaigns.media import browsing, folders, library, names, uses
from campaigns.media.browsing import Question
from campaigns.media.workshop import PictureRefused, WorkshopBusy
from campaigns.models import Picture, PictureFolder

MOST = 200

router = Router(tags=["media"])


class PictureOut(Schema):
    """A picture; ``url`` never changes. Sizes in pixels and bytes; ``folder`` null: in none."""

    id: int
    name: str
    alt_text: str
    url: str
    thumbnail_url: str
    folder: int | None
    width: int
    height: int
    frames: int
    size: int
    created_at: datetime

    @staticmethod
    def resolve_url(row: Picture) -> str:
        """Return where readers find it."""
        return names.address_of(row.file)

    @staticmethod
    def resolve_thumbnail_url(row: Picture) -> str:
        """Return a small one."""
        return names.address_of(row.thumbnail)

    @staticmethod
    def resolve_folder(row: Picture) -> int | None:
        """Return its folder's id."""
        return row.folder_id


class PicturesOut(Schema):
    """One page; ask again with ``after`` set to ``next`` for the one after it, "": no more."""

    pictures: list[PictureOut]
    next: str


class PictureIn(Schema):
    """What of a picture can change; what is left out stays."""

    name: Line | None = Field(None, min_length=1, max_length=names.LONGEST)
    alt_text: Line | None = Field(None, max_length=500)
    folder: int | None = None


class FolderOut(Schema):
    """A folder; ``parent`` null: at the top."""

    id: int
    name: str
    parent: int | None

    @staticmethod
    def resolve_parent(row: PictureFolder) -> int | None:
        """Return the id of the folder that it lies in."""
        return row.parent_id


def _find(workspace: Workspace, picture_id: int) -> Picture:
    found = Picture.objects.select_related("folder", "workspace")
    return get_object_or_404(found, workspace=workspace, pk=picture_id, hidden_at=None)


def _folder(workspace: Workspace, folder: int | None) -> PictureFolder | None:
    if folder is None:
        return None
    found = workspace.picture_folders.filter(pk=folder).first() if folder < 2**63 else None
    if found is None:
        raise HttpError(422, "folder: this workspace has no folder of this id.")
    return found


@router.get("", response=PicturesOut, summary="Pictures")
def list_pictures(
    request: HttpRequest,
    q: str = "",
    folder: int | None = None,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Any:
    """Return pictures, newest first; ``q`` looks in names and alternative texts."""
    workspace = workspace_of(request, Permission.VIEW)
    asked = Question(search=q, folder=str(folder) if folder is not None else "", after=after)
    return browsing.page(workspace, asked, size=limit)


@router.get("/folders", response=list[FolderOut], summary="Folders")
def list_folders(request: HttpRequest) -> Any:
    """Return all folders, those in another after it."""
    return [one.folder for one in folders.tree(workspace_of(request, Permission.VIEW))]


@router.post("", response={201: PictureOut, 200: PictureOut}, summary="Upload a picture")
def upload_picture(
    request: HttpRequest,
    file: Annotated[UploadedFile, File()],
    alt_text: Annotated[str, Form(max_length=500)] = "",
    folder: Annotated[int | None, Form()] = None,
) -> Any:
    """Upload a picture as ``multipart/form-data``; 200: the library has it already.

    422 says in words why a file can't be taken, 503 that others are being prepared just now.
    """
    workspace = workspace_of(request, Permission.EDIT)
    place = _folder(workspace, folder)
    try:
        added = library.add(
            workspace,
            file,
            filename=file.name or "",
            size=file.size or 0,
            folder=place,
            alt_text=names.line(alt_text),
        )
    except WorkshopBusy as busy:
        raise HttpError(503, str(busy)) from busy
    except PictureRefused as refused:
        raise HttpError(422, str(refused)) from refused
    return Status(201 if added.is_new else 200, added.picture)


@router.get("/{picture_id}", response=PictureOut, summary="One picture")
def get_picture(request: HttpRequest, picture_id: int) -> Any:
    """Return a picture."""
    return _find(workspace_of(request, Permission.VIEW), picture_id)


@router.patch("/{picture_id}", response=PictureOut, summary="Change a picture")
def change_picture(request: HttpRequest, picture_id: int, given: PictureIn) -> Any:
    """Rename, describe or move a picture; its address stays."""
    workspace = workspace_of(request, Permission.EDIT)
    picture = _find(workspace, picture_id)
    wanted = given.dict(exclude_unset=True)
    folder = _folder(workspace, wanted["folder"]) if "folder" in wanted else picture.folder
    library.change(
        picture,
        name=wanted.get("name") or picture.name,
        alt_text=picture.alt_text if wanted.get("alt_text") is None else wanted["alt_text"],
        folder=folder,
    )
    return picture


@router.delete("/{picture_id}", response={204: None}, summary="Delete a picture")
def delete_picture(request: HttpRequest, picture_id: int) -> Any:
    """Delete a picture; 409 while a template or a draft shows it. Sent emails keep theirs."""
    picture = _find(workspace_of(request, Permission.EDIT), picture_id)
    try:
        library.delete(picture)
    except library.PictureInUseError as used:
        places = ", ".join(f"{one.kind} {one.name}" for one in uses.of(picture).changing[:10])
        raise HttpError(409, f"It is used: {places}.") from used
    return Status(204, None)
