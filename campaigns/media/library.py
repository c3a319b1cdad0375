"""The library itself: pictures in, changed and out, within the workspace's quota."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from campaigns.media import names, storing, uses, workshop
from campaigns.media.workshop import Made, PictureRefused
from campaigns.models import Picture, PictureFolder

MOST_PICTURES: Final = 200_000


@dataclass(frozen=True, kw_only=True)
class Fill:
    """How full a workspace's library is; bytes. ``kept``: deleted, but in emails that were sent."""

    pictures: int
    used: int
    kept: int
    quota: int

    @property
    def share(self) -> float:
        """Return the part of the quota that is used."""
        return min(1.0, self.used / self.quota) if self.quota else 1.0

    @property
    def left(self) -> int:
        """Return how many bytes are free."""
        return max(0, self.quota - self.used)


@dataclass(frozen=True, kw_only=True)
class Added:
    """What became of an upload: its picture, which may have been in the library before."""

    picture: Picture
    is_new: bool


class PictureInUseError(Exception):
    """Templates or drafts show the picture: `uses.of` says which."""


def fill_of(workspace: Workspace) -> Fill:
    """Return how full the library is, in one query."""
    counts = Picture.objects.filter(workspace=workspace).aggregate(
        pictures=Count("pk", filter=Q(hidden_at=None)),
        used=Sum("size", default=0),
        kept=Sum("size", filter=Q(hidden_at__isnull=False), default=0),
    )
    return Fill(quota=settings.MEDIA_QUOTA_BYTES, **counts)


def add(  # noqa: PLR0913 - what is known of a file
    workspace: Workspace,
    file: IO[bytes],
    *,
    filename: str,
    size: int,
    folder: PictureFolder | None = None,
    alt_text: str = "",
    by: User | None = None,
) -> Added:
    """Take an uploaded file: read it, make our picture of it, store that.

    The same picture a second time is the one that is there; one that was deleted comes back.

    Raises:
        PictureRefused: the file can't be taken; the message says why and what to do.
    """
    name = names.clean(filename)
    if size > settings.PICTURE_MAX_BYTES:
        raise PictureRefused(
            _("“%(name)s” is larger than %(limit)d MB. Make it smaller, then upload it again.")
            % {"name": name, "limit": settings.PICTURE_MAX_BYTES // 2**20}
        )
    _refuse_when_full(workspace, name, more=0)  # before any work is done for it
    made = workshop.make(file, name=name, owner=workspace.pk)
    return keep(workspace, made, name=name, folder=folder, alt_text=alt_text, came_size=size, by=by)


def keep(  # noqa: PLR0913 - as above
    workspace: Workspace,
    made: Made,
    *,
    name: str,
    folder: PictureFolder | None,
    alt_text: str,
    came_size: int,
    by: User | None,
) -> Added:
    """Store what was made, as a picture of the library.

    Raises:
        PictureRefused: the quota is used up, or the storage does not take it.
    """
    key = bytes(workspace.address_key)
    file = names.file_of(made.picture, made.kind, key=key)
    thumbnail = names.file_of(made.thumbnail, made.thumbnail_kind, key=key, mark="-t")
    with transaction.atomic():
        _lock(workspace)
        known = Picture.objects.filter(workspace=workspace, file=file).first()
        if known is not None:
            return Added(picture=_back(known, folder), is_new=False)
        size = len(made.picture) + len(made.thumbnail)
        _refuse_when_full(workspace, name, more=size)
        try:
            storing.put(file, made.picture)
            storing.put(thumbnail, made.thumbnail)
        except storing.NotStoredError as error:
            raise PictureRefused(
                _("“%(name)s” could not be stored: the storage does not answer. Try it again.")
                % {"name": name}
            ) from error
        picture = Picture.objects.create(
            workspace=workspace,
            folder=folder,
            name=name,
            alt_text=alt_text,
            file=file,
            thumbnail=thumbnail,
            width=made.width,
            height=made.height,
            frames=made.frames,
            size=size,
            came_as=made.came_as,
            came_width=made.came_width,
            came_height=made.came_height,
            came_size=came_size,
            created_by=by,
        )
    return Added(picture=picture, is_new=True)


def shape(
    picture: Picture, *, crop: tuple[int, int, int, int], width: int, by: User | None
) -> Added:
    """Cut and scale a picture; what comes out is another picture beside it.

    Raises:
        PictureRefused: it can't be done.
    """
    return keep(
        picture.workspace,
        shaped(picture, crop=crop, width=width),
        name=picture.name,
        folder=picture.folder,
        alt_text=picture.alt_text,
        came_size=picture.size,
        by=by,
    )


def shaped(picture: Picture, *, crop: tuple[int, int, int, int], width: int) -> Made:
    """Cut and scale a picture without storing what comes out.

    Raises:
        PictureRefused: it can't be done.
    """
    import io

    try:
        content = storing.read(picture.file)
    except storing.NotStoredError:
        content = None
    if content is None:
        raise PictureRefused(
            _("The file of “%(name)s” can't be read from the storage just now. Try it again.")
            % {"name": picture.name}
        )
    return workshop.make(
        io.BytesIO(content),
        name=picture.name,
        owner=picture.workspace_id,
        crop=crop,
        width=width,
    )


def change(picture: Picture, *, name: str, alt_text: str, folder: PictureFolder | None) -> None:
    """Call a picture something else, describe it, move it. Its address stays."""
    picture.name, picture.alt_text, picture.folder = name, alt_text, folder
    picture.save(update_fields=["name", "alt_text", "folder"])


def move(workspace: Workspace, pictures: Sequence[int], folder: PictureFolder | None) -> int:
    """Move pictures, by their keys, into a folder; returns how many."""
    found = Picture.objects.filter(workspace=workspace, pk__in=pictures, hidden_at=None)
    return found.update(folder=folder)


def delete(picture: Picture) -> bool:
    """Delete a picture; returns whether its file has to stay, because sent emails show it.

    Raises:
        PictureInUseError: a template or a draft shows it.
    """
    with transaction.atomic():
        _lock(picture.workspace)
        used = uses.of(picture)
        if used.changing:
            raise PictureInUseError
        if used.keeping:
            Picture.objects.filter(pk=picture.pk).update(hidden_at=timezone.now(), folder=None)
            return True
        Picture.objects.filter(pk=picture.pk).delete()
        transaction.on_commit(partial(_forget, picture.workspace, picture.file, picture.thumbnail))
    return False


@transaction.atomic
def _forget(workspace: Workspace, *files: str) -> None:
    """Delete files that no picture names; somebody may have uploaded the same again meanwhile."""
    _lock(workspace)
    here = Picture.objects.filter(workspace=workspace)
    for file in files:
        if not here.filter(Q(file=file) | Q(thumbnail=file)).exists():
            storing.delete(file)


def forget_all(workspace: Workspace) -> None:
    """Delete every file of a workspace that is being removed, with the rows that name them."""
    pictures = Picture.objects.filter(workspace=workspace)
    for file, thumbnail in pictures.values_list("file", "thumbnail").iterator():
        transaction.on_commit(partial(storing.delete, file, thumbnail))
    pictures.delete()


def _back(known: Picture, folder: PictureFolder | None) -> Picture:
    if known.hidden_at is not None:
        known.hidden_at, known.folder = None, folder
        known.save(update_fields=["hidden_at", "folder"])
    return known


def _lock(workspace: Workspace) -> None:
    """Let one upload or deletion of a workspace after the other decide; rows can still name it."""
    Workspace.objects.select_for_update(no_key=True).filter(pk=workspace.pk).values("pk").get()


def _refuse_when_full(workspace: Workspace, name: str, *, more: int) -> None:
    fill = fill_of(workspace)
    if fill.used + more <= fill.quota and fill.pictures < MOST_PICTURES and fill.used < fill.quota:
        return
    raise PictureRefused(
        _(
            "“%(name)s” does not fit: the media library of this workspace may take %(quota)s, and "
            "%(used)s are used. Delete pictures that you no longer need, or ask whoever runs this "
            "installation for more room."
        )
        % {
            "name": name,
            "quota": filesizeformat(fill.quota),
            "used": filesizeformat(fill.used),
        }
    )
