"""Folders of the library: a small tree, a few levels deep."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from accounts.models import Workspace
from campaigns.media import names
from campaigns.models import Picture, PictureFolder

MOST: Final = 300
DEEPEST: Final = 5


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A folder as a tree shows it: ``depth`` from 0, and how many pictures lie in it."""

    folder: PictureFolder
    depth: int
    pictures: int

    @property
    def path(self) -> str:
        """Return its name behind as many marks as it lies deep, for a list to choose from."""
        return f"{'– ' * self.depth}{self.folder.name}"


def tree(workspace: Workspace) -> list[Shown]:
    """Return all folders in the order of a tree, in one query."""
    counted = Count("pictures", filter=Q(pictures__hidden_at=None))
    below: dict[int | None, list[PictureFolder]] = {}
    for folder in workspace.picture_folders.annotate(count=counted).order_by("name"):
        below.setdefault(folder.parent_id, []).append(folder)

    def walk(parent: int | None, depth: int) -> Iterator[Shown]:
        for folder in below.get(parent, []):
            yield Shown(folder=folder, depth=depth, pictures=getattr(folder, "count", 0))
            if depth < DEEPEST:
                yield from walk(folder.pk, depth + 1)

    return list(walk(None, 0))


def make(workspace: Workspace, *, name: str, parent: PictureFolder | None) -> PictureFolder:
    """Make a folder.

    Raises:
        ValidationError: there is one of this name, there are too many, or it would lie too deep.
    """
    if workspace.picture_folders.count() >= MOST:
        raise ValidationError(_("There are %(most)d folders, which is the most.") % {"most": MOST})
    folder = PictureFolder(workspace=workspace)
    save(folder, name=name, parent=parent)
    return folder


def save(folder: PictureFolder, *, name: str, parent: PictureFolder | None) -> None:
    """Call a folder something else, or move it into another (None: to the top).

    Raises:
        ValidationError: as above, or it would lie inside itself.
    """
    text = names.line(name)[:80].strip() or _("Folder")
    with transaction.atomic():
        # Two moves at once could close a ring that neither of them sees.
        Workspace.objects.select_for_update(no_key=True).get(pk=folder.workspace_id)
        above = _above(parent)
        if folder.pk and folder.pk in above:
            raise ValidationError(_("A folder can't be moved into itself."))
        if len(above) + _height(folder) > DEEPEST:
            raise ValidationError(
                _("Folders can lie %(most)d deep. Choose one further up.") % {"most": DEEPEST}
            )
        folder.name, folder.parent = text, parent
        try:
            with transaction.atomic():
                folder.save()
        except IntegrityError as error:
            raise ValidationError(
                _("There is another folder of this name here. Choose another name.")
            ) from error


@transaction.atomic
def delete(folder: PictureFolder) -> None:
    """Delete a folder with those in it; their pictures go to where the folder was."""
    inside = [folder.pk, *_below(folder)]
    Picture.objects.filter(folder__in=inside).update(folder=folder.parent_id)
    folder.delete()


def _above(folder: PictureFolder | None) -> list[int]:
    """Return the keys of a folder and of all that it lies in."""
    found: list[int] = []
    while folder is not None and folder.pk not in found and len(found) <= DEEPEST:
        found.append(folder.pk)
        folder = folder.parent
    return found


def _below(folder: PictureFolder) -> list[int]:
    found: list[int] = []
    level = [folder.pk]
    while level and len(found) <= MOST:
        level = list(PictureFolder.objects.filter(parent__in=level).values_list("pk", flat=True))
        found += level
    return found


def _height(folder: PictureFolder) -> int:
    """Return how many levels a folder is, with what lies in it."""
    height, level = 1, [folder.pk] if folder.pk else []
    while level and height <= DEEPEST + 1:
        level = list(PictureFolder.objects.filter(parent__in=level).values_list("pk", flat=True))
        height += bool(level)
    return height
