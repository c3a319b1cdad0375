"""Where uploaded files lie: DATA_DIR/imports, under random names, until their time is up."""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from subscribers.states import MoveSource

KEPT_FOR = timedelta(days=30)
LONGEST_NAME = 255


class FileRefused(ValueError):  # noqa: N818 - what people read is a refusal
    """The file can't be taken; the message says why and what to do."""


class BelongsElsewhere(FileRefused):
    """Only a migration reads this file rightly: ``source`` says which."""

    def __init__(self, source: MoveSource) -> None:
        """Say why, and what to do."""
        self.source = source
        text = {
            MoveSource.MAILCHIMP: _(
                "This is a Mailchimp audience export. Which of its files somebody is in says "
                "whether they unsubscribed or bounced, so it is moved as a whole."
            ),
            MoveSource.SUPPRESSIONS: _(
                "The name of this file says that these people left or can't be reached, and "
                "nothing in it says otherwise. If the name is wrong, rename the file."
            ),
            MoveSource.MAUTIC: _(
                "This is a Mautic contact export. It does not say who must not be contacted. Move "
                "it together with the “Do not contact” list."
            ),
        }[source]
        super().__init__(text)


def folder() -> Path:
    """Return the folder, made on first use and open to nobody else."""
    path = Path(settings.DATA_DIR) / "imports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def new_path(suffix: str) -> Path:
    """Make an unguessable place for a file; what the browser calls it never touches the disk."""
    return folder() / f"{secrets.token_hex(16)}{suffix}"


def store(chunks: Iterable[bytes], *, suffix: str = ".csv") -> tuple[Path, int]:
    """Keep an upload; returns its place and its size in bytes.

    Raises:
        FileRefused: it is empty or larger than IMPORT_MAX_BYTES.
    """
    path = new_path(suffix)
    size = 0
    limit = settings.IMPORT_MAX_BYTES
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                break
            file.write(chunk)
    if 0 < size <= limit:
        return path, size
    path.unlink()
    if not size:
        raise FileRefused(_("The file is empty."))
    raise FileRefused(
        _("The file is larger than %(limit)s MB. Split it into parts.")
        % {"limit": limit // 1_000_000}
    )


def discard(*paths: str) -> None:
    """Delete stored files; only ones in our own folder, and it is fine if they are gone."""
    for given in paths:
        if given and Path(given).parent == folder():
            with suppress(FileNotFoundError):
                Path(given).unlink()


def display_name(name: str) -> str:
    """Return an uploaded file's own name, fit to be shown and to be offered for download."""
    plain = re.sub(r"[\x00-\x1f\x7f\"\\/]+", " ", name).strip()
    return plain[-LONGEST_NAME:] or "file.csv"
