"""Pixels in eight bits of sRGB, whatever they came in; in the worker's process."""

import io
from contextlib import suppress
from typing import Final

from PIL import Image, ImageCms

SRGB: Final = ImageCms.createProfile("sRGB")
_DEEP: Final = ("I;16", "I;16B", "I;16L", "I;16N")
_WITH_ALPHA: Final = ("RGBA", "LA", "PA", "La", "RGBa")


def flatten(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, RGB or RGBA, without its colour profile applied yet."""
    if image.mode in _DEEP:
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("I", "F"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return image.convert("RGBA")
    # Of four inks, only their profile knows what their colours are.
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the picture in L, RGB or RGBA with the colours that its profile means, in sRGB."""
    if profile and image.mode != "L":
        # Of a profile that can't be read: better the plain numbers than no picture.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            image = _transformed(image, profile)
    return image.convert("RGB") if image.mode == "CMYK" else image


def has_holes(image: Image.Image) -> bool:
    """Say whether something shines through."""
    if image.mode != "RGBA":
        return False
    low, _high = image.getchannel("A").getextrema()
    return bool(isinstance(low, int | float) and low < 255)  # noqa: PLR2004 - opaque


def _transformed(image: Image.Image, profile: bytes) -> Image.Image:
    theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if "srgb" in ImageCms.getProfileDescription(theirs).lower():
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    plain = image.convert("RGB") if alpha is not None else image
    made = ImageCms.profileToProfile(plain, theirs, SRGB, outputMode="RGB")
    if made is None:
        return image
    if alpha is not None:
        made.putalpha(alpha)
    return made
