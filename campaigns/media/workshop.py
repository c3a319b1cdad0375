"""Has a strange picture read and made anew by a process of its own, and says why one is refused."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.media import limits
from campaigns.rendering.turns import NoTurnError, Turns

BASE_DIR: Final = Path(__file__).parent.parent.parent
AT_ONCE: Final = 1  # processes of this one's: a picture can take half a gigabyte for a moment
TURN_SECONDS: Final = 20.0
CROWDED_SECONDS: Final = 5.0
LONGEST_HEAD: Final = 4_096
KINDS: Final = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF8"}

# A thread stays free for pages without pictures.
_turns = Turns(at_once=AT_ONCE, most=max(1, settings.WEB_THREADS - 1))


class PictureRefused(ValueError):  # noqa: N818 - what people read is a refusal
    """The picture can't be taken; the message names the file, the reason and the way out."""


class WorkshopBusy(PictureRefused):
    """It was not tried: too many others are being read just now."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A picture as it was made: ``kind`` is jpg, png or gif; sizes in pixels; files in bytes."""

    kind: str
    width: int
    height: int
    frames: int
    picture: bytes
    thumbnail_kind: str
    thumbnail: bytes
    came_as: str
    came_width: int
    came_height: int


def make(
    file: IO[bytes],
    *,
    name: str,
    owner: int,
    crop: tuple[int, int, int, int] | None = None,
    width: int = 0,
) -> Made:
    """Read a picture and make ours of it.

    ``name`` is what people call the file, ``owner`` the workspace whose turn this is. ``crop`` is
    left, top, width and height in pixels; ``width`` scales down.

    Raises:
        PictureRefused: it is no picture that can be taken, or there was no turn.
    """
    job: dict[str, Any] = {"width": width}
    if crop is not None:
        job["crop"] = crop
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as answer:
        file.seek(0)
        for piece in iter(lambda: file.read(2**20), b""):
            source.write(piece)
        source.seek(0)
        try:
            with _turns.take(owner, seconds=TURN_SECONDS, crowded_seconds=CROWDED_SECONDS):
                _run(source, answer, job)
        except NoTurnError as error:
            raise WorkshopBusy(
                _("“%(name)s” was not uploaded: other pictures are being prepared. Try it again.")
                % {"name": name}
            ) from error
        except subprocess.TimeoutExpired:
            raise refusal("stopped", name) from None
        answer.seek(0)
        return _read(answer, name)


def _run(source: IO[bytes], answer: IO[bytes], job: Mapping[str, Any]) -> None:
    subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "campaigns.media.worker", json.dumps(job)],
        cwd=BASE_DIR,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        stdin=source,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        timeout=limits.WAIT_SECONDS,
        check=False,
        start_new_session=True,  # Ctrl-C is for those who look after us
    )


def _read(answer: IO[bytes], name: str) -> Made:
    """Read what the process wrote; it has read what a stranger wrote, so it is not believed."""
    try:
        said = json.loads(answer.readline(LONGEST_HEAD))
        if "refused" in said:
            raise refusal(str(said["refused"]), name, said)
        sizes = [int(size) for size in said["sizes"]]
        pieces = [answer.read(min(max(size, 0), limits.MOST_MADE_BYTES)) for size in sizes]
        kinds = (str(said["kind"]), str(said["thumbnail_kind"]))
        numbers = {
            key: _between(said[key], most=2 * limits.LONGEST_SIDE)
            for key in ("width", "height", "frames", "came_width", "came_height")
        }
    except PictureRefused:
        raise
    except (ValueError, KeyError, TypeError):
        raise refusal("stopped", name) from None
    fits = zip(kinds, pieces, strict=True)
    if not all(kind in KINDS and piece.startswith(KINDS[kind]) for kind, piece in fits):
        raise refusal("stopped", name)
    return Made(
        kind=kinds[0],
        picture=pieces[0],
        thumbnail_kind=kinds[1],
        thumbnail=pieces[1],
        came_as=str(said["came"])[:10],
        **numbers,
    )


def _between(given: Any, *, most: int) -> int:
    return min(max(int(given), 1), most)


_WHY: Final[dict[str, str | Promise]] = {
    "empty": gettext_lazy("“%(name)s” is empty. Copy it again, then upload it once more."),
    "svg": gettext_lazy(
        "“%(name)s” is an SVG drawing. Email apps do not show those, and they can hold scripts. "
        "Export it as PNG and upload that."
    ),
    "unknown": gettext_lazy(
        "“%(name)s” is not a picture that Warta can read. Upload JPEG, PNG, GIF, WebP, AVIF or "
        "HEIC."
    ),
    "damaged": gettext_lazy(
        "“%(name)s” is damaged or incomplete. Open it in a picture editor, save it as JPEG or PNG "
        "and upload that."
    ),
    "pixels": gettext_lazy(
        "“%(name)s” has %(width)s × %(height)s pixels, and %(most)s million is the most. Make it "
        "smaller (emails need 1,400 pixels in width), then upload it again."
    ),
    "frames": gettext_lazy(
        "“%(name)s” is an animation of %(frames)s frames, and %(most)s is the most. Shorten it, "
        "then upload it again."
    ),
    "animation": gettext_lazy(
        "“%(name)s” is an animation of %(frames)s frames with %(width)s × %(height)s pixels, which "
        "is too large for an email. Make it smaller or shorter, then upload it again."
    ),
    "heavy": gettext_lazy(
        "“%(name)s” stays larger than %(most)s MB, also when compressed. Make it smaller or "
        "shorter, then upload it again."
    ),
    "stopped": gettext_lazy(
        "“%(name)s” takes too long or too much memory to read. Make it smaller, or save it as "
        "JPEG or PNG, then upload it again."
    ),
}


def refusal(code: str, name: str, numbers: Mapping[str, Any] | None = None) -> PictureRefused:
    """Say why a picture is refused, in the reader's language."""
    values = {
        key: number_format(value, force_grouping=True)
        for key, value in (numbers or {}).items()
        if isinstance(value, int)
    }
    text = str(_WHY[code] if code in _WHY else _WHY["stopped"])
    wanted = dict.fromkeys(("width", "height", "frames", "most"), "?")
    return PictureRefused(text % {**wanted, **values, "name": name})
