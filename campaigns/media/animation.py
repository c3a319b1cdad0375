"""Animations, frame by frame into a GIF that holds nothing but frames; in the worker's process."""

import io
from collections.abc import Iterator
from typing import Any, Final

from PIL import GifImagePlugin, Image

from campaigns.media import colours

USUAL_MILLISECONDS: Final = 100
LONGEST_MILLISECONDS: Final = 655_350
# Frames of one palette stay as they were drawn.
GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY


def gif(
    image: Image.Image,
    frames: int,
    *,
    crop: tuple[int, int, int, int],
    size: tuple[int, int],
) -> bytes:
    """Return an animated GIF of these frames, each cut and scaled alike."""
    loop = image.info.get("loop", 0 if image.format != "GIF" else None)
    whole = (0, 0, *image.size)
    drawn = _frames(image, frames, crop=None if crop == whole else crop, size=size)
    first = next(drawn)
    options: dict[str, Any] = {}
    if isinstance(loop, int):
        options["loop"] = min(max(loop, 0), 65_535)
    # Where something shines through, each frame has to be wiped before the next.
    is_open = first.mode in ("RGBA", "LA", "PA") or "transparency" in first.info
    out = io.BytesIO()
    first.save(
        out,
        "GIF",
        save_all=True,
        append_images=drawn,
        disposal=2 if is_open else 1,
        optimize=False,
        **options,
    )
    return out.getvalue()


def _frames(
    image: Image.Image,
    frames: int,
    *,
    crop: tuple[int, int, int, int] | None,
    size: tuple[int, int],
) -> Iterator[Image.Image]:
    for number in range(frames):
        image.seek(number)
        image.load()
        duration = _milliseconds(image.info.get("duration"))
        transparency = image.info.get("transparency")
        frame = image.copy()
        profile = image.info.get("icc_profile")
        frame.info = {"duration": duration}
        if transparency is not None:
            frame.info["transparency"] = transparency
        if crop is not None or frame.size != size or image.format != "GIF":
            frame = colours.flatten(frame)
            if crop is not None:
                frame = frame.crop(crop)
            if frame.size != size:
                frame = frame.resize(size, Image.Resampling.LANCZOS)
            if isinstance(profile, bytes):
                frame = colours.to_srgb(frame, profile)
            if frame.mode == "RGBA" and not colours.has_holes(frame):
                frame = frame.convert("RGB")
            frame.info = {"duration": duration}
        yield frame


def _milliseconds(given: Any) -> int:
    """Return how long a frame stays, as a GIF can say it."""
    try:
        return min(max(int(given), 0), LONGEST_MILLISECONDS) or USUAL_MILLISECONDS
    except (TypeError, ValueError, OverflowError):
        return USUAL_MILLISECONDS
