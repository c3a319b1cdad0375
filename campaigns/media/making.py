"""Makes a new picture of a strange one: nothing of the file goes on but its pixels.

Orientation is applied before the data that held it is dropped, colours become sRGB, what is wider
than a mail needs is scaled. Photographs become JPEG, drawings and what is transparent PNG,
animations GIF: what every mail program shows. Runs in the worker's process and knows no Django.
"""

import io
import re
import warnings
from typing import IO, Any, Final

import pi_heif
from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from campaigns.media import animation, colours, limits

# Only these are asked what a file is: Pillow knows forty more, which nobody needs here.
READERS: Final = (
    JpegImagePlugin,
    PngImagePlugin,
    GifImagePlugin,
    WebPImagePlugin,
    AvifImagePlugin,
)
FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF")
ANIMATED: Final = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
PHOTOGRAPHS: Final = frozenset({"JPEG", "MPO", "HEIF", "AVIF"})
SMALL_BYTES: Final = 300_000  # a JPEG that is kept as it was compressed
QUALITY: Final = 85
FEW_COLOURS: Final = 256
SMALL_PIXELS: Final = 2_000_000  # packing a larger PNG as tightly as possible takes too long
_ORIENTATION: Final = 0x0112
# How what we read begins: with such a head it was a picture once.
_BEGINNING: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|....ftyp(?:avi|hei|hev|mif|msf)", re.DOTALL
)
_SVG: Final = re.compile(rb"<svg[\s>:]|<!doctype\s+svg", re.IGNORECASE)

Image.MAX_IMAGE_PIXELS = None  # `_check` looks before anything is unpacked
ImageFile.LOAD_TRUNCATED_IMAGES = False
warnings.simplefilter("ignore")
pi_heif.register_heif_opener(thumbnails=False)


class RefusedError(Exception):
    """The picture can't be taken; ``code`` is one of `workshop`'s, ``numbers`` its figures."""

    def __init__(self, code: str, **numbers: int) -> None:
        super().__init__(code)
        self.code = code
        self.numbers = numbers


def make(file: IO[bytes], job: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Read a picture and return what was made: facts, then the picture and its thumbnail in bytes.

    ``job`` may hold ``crop`` (left, top, width, height in pixels of the upright picture) and
    ``width`` (pixels; never larger than what is there).

    Raises:
        RefusedError: it is no picture that can be taken.
        MemoryError: there was not enough of it.
    """
    try:
        image = _opened(file)
        frames = int(getattr(image, "n_frames", 1)) if image.format in ANIMATED else 1
        _check(image, frames)
        if frames > 1:
            return _moving(image, frames, job)
        return _still(image, job)
    except (RefusedError, MemoryError):
        raise
    except Exception as error:
        # Decoders raise whatever they like at damaged files.
        raise RefusedError("damaged") from error


def _opened(file: IO[bytes]) -> Image.Image:
    head = file.read(2_048)
    file.seek(0)
    if not head:
        raise RefusedError("empty")
    if _SVG.search(head):
        raise RefusedError("svg")
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise RefusedError("damaged" if _BEGINNING.match(head) else "unknown") from error
    return image


def _check(image: Image.Image, frames: int) -> None:
    width, height = image.size
    pixels = width * height
    most = limits.MOST_JPEG_PIXELS if image.format in ("JPEG", "MPO") else limits.MOST_PIXELS
    if pixels > most or max(width, height) > limits.LONGEST_SIDE:
        raise RefusedError("pixels", width=width, height=height, most=most // 1_000_000)
    if frames > limits.MOST_FRAMES:
        raise RefusedError("frames", frames=frames, most=limits.MOST_FRAMES)
    if frames > 1 and pixels * frames > limits.MOST_FRAME_PIXELS:
        raise RefusedError("animation", width=width, height=height, frames=frames)


def _still(image: Image.Image, job: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    came, profile = str(image.format), image.info.get("icc_profile") or b""
    turned = _orientation(image)
    upright = image.size[::-1] if turned >= 5 else image.size  # noqa: PLR2004 - EXIF: on its side
    crop = box(job, upright)
    size = target(job, crop)
    if image.format in ("JPEG", "MPO") and not job.get("crop"):
        # Unpack no more than half as much again as is needed.
        wanted = (int(size[0] * 1.5), int(size[1] * 1.5))
        image.draft(None, wanted[::-1] if turned >= 5 else wanted)  # noqa: PLR2004 - as above
    source = image
    image.load()
    image = colours.flatten(image)
    if turned > 1:
        image = ImageOps.exif_transpose(_with_orientation(image, turned))
    if job.get("crop"):
        image = image.crop(crop)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = colours.to_srgb(image, profile if isinstance(profile, bytes) else b"")
    if image.mode == "RGBA" and not colours.has_holes(image):
        image = image.convert("RGB")
    kind, made = _encoded(image, came, source=source if image is source else None)
    return _answer(image, kind, made, came=came, upright=upright)


def _moving(
    image: Image.Image, frames: int, job: dict[str, Any]
) -> tuple[dict[str, Any], list[bytes]]:
    came, upright = str(image.format), image.size
    crop = box(job, upright)
    size = target(job, crop)
    made = animation.gif(image, frames, crop=crop, size=size)
    first = colours.flatten(Image.open(io.BytesIO(made)))
    facts, pieces = _answer(first, "gif", made, came=came, upright=upright)
    return {**facts, "frames": frames}, pieces


def box(job: dict[str, Any], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part that is wanted as left, top, right, bottom, within the picture."""
    if not job.get("crop"):
        return 0, 0, *size
    left, top, width, height = (int(number) for number in job["crop"])
    left, top = min(max(left, 0), size[0] - 1), min(max(top, 0), size[1] - 1)
    return (
        *(left, top),
        min(left + max(width, 1), size[0]),
        min(top + max(height, 1), size[1]),
    )


def target(job: dict[str, Any], crop: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return the size that a part of a picture gets: as wanted, never more than a mail needs."""
    width, height = crop[2] - crop[0], crop[3] - crop[1]
    widest = min(limits.WIDEST, int(job.get("width") or limits.WIDEST))
    scale = min(1.0, widest / width, limits.TALLEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - its data are damaged, its pixels perhaps not
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1  # noqa: PLR2004 - EXIF


def _with_orientation(image: Image.Image, turned: int) -> Image.Image:
    exif = Image.Exif()
    exif[_ORIENTATION] = turned
    image = image.copy()
    image.info = {"exif": exif.tobytes()}
    return image


def _encoded(image: Image.Image, came: str, *, source: Image.Image | None) -> tuple[str, bytes]:
    if image.mode == "RGBA":
        return "png", png(image)
    if came not in PHOTOGRAPHS and (drawn := _as_drawing(image, came)):
        return "png", drawn
    if source is not None and source.format == "JPEG":
        kept = jpeg(source, quality="keep")
        if len(kept) <= SMALL_BYTES:
            return "jpg", kept
    return "jpg", jpeg(image)


def _as_drawing(image: Image.Image, came: str) -> bytes:
    """Return a PNG where that is worth it: few colours, or hardly larger than a JPEG."""
    if image.getcolors(FEW_COLOURS) is None and came == "WEBP":
        return b""
    drawn = png(image)
    if image.getcolors(FEW_COLOURS) is not None or len(drawn) <= 1.3 * len(jpeg(image)):
        return drawn
    return b""


def png(image: Image.Image) -> bytes:
    """Return a PNG of pixels alone."""
    out = io.BytesIO()
    bare = image.copy()
    bare.info = {}
    bare.save(out, "PNG", optimize=image.width * image.height < SMALL_PIXELS)
    return out.getvalue()


def jpeg(image: Image.Image, quality: int | str = QUALITY) -> bytes:
    """Return a JPEG of pixels alone; "keep": compressed as the JPEG that it is was before."""
    out = io.BytesIO()
    image.info = {}
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def _answer(
    image: Image.Image, kind: str, made: bytes, *, came: str, upright: tuple[int, int]
) -> tuple[dict[str, Any], list[bytes]]:
    if len(made) > limits.MOST_MADE_BYTES:
        raise RefusedError("heavy", bytes=len(made), most=limits.MOST_MADE_BYTES // 1_000_000)
    small = image.copy()
    small.thumbnail((limits.THUMBNAIL, limits.THUMBNAIL), reducing_gap=3.0)
    has_holes = colours.has_holes(small)
    thumbnail = png(small) if has_holes else jpeg(small.convert("RGB"), quality=80)
    facts = {
        "kind": kind,
        "width": image.width,
        "height": image.height,
        "frames": 1,
        "came": came,
        "came_width": upright[0],
        "came_height": upright[1],
        "thumbnail_kind": "png" if has_holes else "jpg",
        "sizes": [len(made), len(thumbnail)],
    }
    return facts, [made, thumbnail]
