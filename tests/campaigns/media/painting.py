"""Pictures for the tests, drawn here."""

import io
from typing import Any

import pi_heif
from PIL import Image, ImageCms, ImageDraw


def photo(width: int = 2400, height: int = 1600) -> Image.Image:
    """Something with many colours."""
    fall = Image.linear_gradient("L").resize((width, height))
    grain = Image.effect_noise((width, height), 40)
    return Image.merge("RGB", (fall, grain, fall.transpose(Image.Transpose.ROTATE_180)))


def drawing(width: int = 300, height: int = 200, colour: str = "teal") -> Image.Image:
    """Something of two colours."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).ellipse((20, 20, width - 20, height - 20), fill=colour)
    return image


def frames(count: int = 6, size: tuple[int, int] = (120, 80)) -> list[Image.Image]:
    """A ball that moves, on nothing."""
    found = []
    for number in range(count):
        image = Image.new("RGBA", size, (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse((number * 10, 20, number * 10 + 30, 50), fill="red")
        found.append(image)
    return found


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def animated(kind: str = "GIF", count: int = 6, **options: Any) -> bytes:
    """A moving picture as a file."""
    first, *others = frames(count)
    return encoded(first, kind, save_all=True, append_images=others, duration=70, loop=0, **options)


def exchanging_profile() -> bytes:
    """A profile in which the numbers of red mean green, and those of green mean red."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    named = plain.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    return named.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")


def opened(content: bytes) -> Image.Image:
    """A file as a picture."""
    pi_heif.register_heif_opener()
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
