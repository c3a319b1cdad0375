"""Strange pictures become ours in a process of its own, or are refused with words."""

import io
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaigns.media import limits, workshop
from campaigns.media.workshop import Made, PictureRefused
from tests.campaigns.media import painting


def make(content: bytes, **wanted: object) -> Made:
    return workshop.make(io.BytesIO(content), name="sunset", owner=1, **wanted)


def refused(content: bytes) -> str:
    with pytest.raises(PictureRefused) as why:
        make(content)
    return str(why.value)


def test_a_large_photograph_becomes_as_wide_as_a_sharp_mail_needs():
    made = make(painting.encoded(painting.photo(3000, 2000), "JPEG", quality=95))
    assert (made.kind, made.width, made.height) == ("jpg", 1400, 933)
    assert (made.came_as, made.came_width, made.came_height) == ("JPEG", 3000, 2000)
    assert painting.opened(made.picture).size == (1400, 933)
    assert max(painting.opened(made.thumbnail).size) == limits.THUMBNAIL


def test_where_it_was_taken_and_by_whom_goes_but_it_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    exif[0x013B] = "Sari"
    exif.get_ifd(0x8825)[1] = "S"
    made = make(
        painting.encoded(painting.photo(900, 600), "JPEG", exif=exif, comment=b"private words")
    )
    assert (made.width, made.height) == (600, 900)
    shown = painting.opened(made.picture)
    assert dict(shown.getexif()) == {}
    assert b"Sari" not in made.picture
    assert b"private words" not in made.picture


@pytest.mark.parametrize(
    ("kind", "becomes"), [("WEBP", "jpg"), ("AVIF", "jpg"), ("JPEG", "jpg"), ("MPO", "jpg")]
)
def test_photographs_become_jpeg(kind: str, becomes: str):
    made = make(painting.encoded(painting.photo(600, 400), kind))
    assert made.kind == becomes
    assert painting.opened(made.picture).format == "JPEG"


def test_a_photograph_of_an_iphone_is_taken():
    content = (Path(__file__).parent / "tiny.heic").read_bytes()
    made = make(content)
    assert (made.kind, made.came_as) == ("jpg", "HEIF")


def test_drawings_and_what_shines_through_become_png():
    assert make(painting.encoded(painting.drawing(), "PNG")).kind == "png"
    assert make(painting.encoded(painting.drawing(), "GIF")).kind == "png"
    glass = make(painting.encoded(painting.frames()[0], "WEBP", lossless=True))
    assert glass.kind == "png"
    assert painting.opened(glass.picture).getpixel((0, 0))[3] == 0
    assert glass.thumbnail_kind == "png"


def test_sixteen_bits_and_four_inks_are_read_as_they_look():
    deep = Image.linear_gradient("L").convert("I").point(lambda value: value * 256).convert("I;16")
    made = painting.opened(make(painting.encoded(deep)).picture)
    assert made.getextrema() == (0, 255)
    assert abs(made.getpixel((10, 128)) - 128) <= 1
    inks = Image.new("CMYK", (50, 50), (0, 255, 255, 0))
    red = painting.opened(make(painting.encoded(inks, "JPEG")).picture).getpixel((25, 25))
    assert red[0] > 200
    assert red[1] < 60


def test_colours_of_another_profile_become_srgb():
    plain = Image.new("RGB", (60, 60), (200, 60, 60))
    tagged = painting.encoded(plain, "PNG", icc_profile=painting.exchanging_profile())
    made = make(tagged)
    assert b"iCCP" not in made.picture
    shown = painting.opened(made.picture).convert("RGB").getpixel((30, 30))
    assert all(abs(one - other) < 4 for one, other in zip(shown, (60, 200, 60), strict=True))
    broken = painting.encoded(plain, "PNG", icc_profile=b"no profile at all")
    kept = painting.opened(make(broken).picture).convert("RGB")
    assert kept.getpixel((30, 30)) == (200, 60, 60)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_what_moves_goes_on_moving_as_a_gif(kind: str):
    extra = {"disposal": 2} if kind == "GIF" else {}
    made = make(painting.animated(kind, **extra))
    assert (made.kind, made.frames) == ("gif", 6)
    shown: Any = Image.open(io.BytesIO(made.picture))
    assert (shown.n_frames, shown.info["loop"], shown.info["duration"]) == (6, 0, 70)
    shown.seek(4)
    assert shown.convert("RGBA").getpixel((5, 30))[3] == 0  # the ball of the first frame is gone


def test_a_part_is_cut_and_scaled_and_never_grows():
    content = painting.encoded(painting.photo(800, 600), "JPEG")
    cut = make(content, crop=(100, 50, 400, 200), width=200)
    assert (cut.width, cut.height) == (200, 100)
    assert (make(content, crop=(0, 0, 40, 40), width=900).width) == 40
    beyond = make(content, crop=(700, 500, 4000, 4000))
    assert (beyond.width, beyond.height) == (100, 100)
    moving = make(painting.animated(disposal=2), crop=(0, 0, 60, 40), width=30)
    assert (moving.kind, moving.width, moving.height, moving.frames) == ("gif", 30, 20, 6)


def test_what_hides_behind_a_picture_does_not_come_along():
    script = b"<script>alert(1)</script>"
    content = painting.encoded(painting.photo(300, 200), "JPEG") + script
    assert script not in make(content).picture
    gif = painting.animated(comment=script) + script
    assert script not in make(gif).picture


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG"),
        (b"<?xml version='1.0'?><!-- x --><svg width='1'></svg>", "SVG"),
        (b"<html><body>Hello</body></html>", "not a picture"),
        (b"%PDF-1.7", "not a picture"),
        (b"MZ" + bytes(3000), "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (os.urandom(5000), "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_name(content: bytes, words: str):
    said = refused(content)
    assert words in said
    assert "“sunset”" in said


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_half_a_picture_is_refused(kind: str):
    content = painting.encoded(painting.photo(600, 400), kind)
    assert "damaged" in refused(content[: len(content) // 2])


def test_bombs_are_refused_before_they_go_off():
    huge = painting.encoded(Image.new("1", (25_000, 25_000)))
    assert len(huge) < 100_000
    assert "25,000 × 25,000 pixels" in refused(huge)
    said = refused(_claiming(60_000, 60_000))
    assert "60,000 × 60,000" in said


def test_a_hundred_megapixels_of_a_camera_are_read_at_a_part_of_their_size():
    made = make(painting.encoded(Image.new("RGB", (11_600, 8_700), "teal"), "JPEG"))
    assert (made.width, made.height) == (1400, 1050)


def test_endless_animations_are_refused():
    still = [Image.effect_noise((4, 4), 90) for _ in range(limits.MOST_FRAMES + 1)]
    film = painting.encoded(still[0], "GIF", save_all=True, append_images=still[1:])
    assert "601 frames" in refused(film)


def test_a_process_that_takes_too_long_or_too_much_is_ended(monkeypatch: pytest.MonkeyPatch):
    content = painting.encoded(painting.photo(4000, 3000), "PNG")
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    assert "too long" in refused(content)


def test_memory_is_limited_by_the_kernel():
    # The header is honest about what it unpacks to, and that is too much for the process.
    tall = Image.new("RGBA", (7_000, 7_100), (1, 2, 3, 4))
    made = make(painting.encoded(tall, "PNG"))
    assert made.height == 1420  # the largest that is let in still fits


def test_what_a_taken_over_process_says_is_not_believed():
    for answer in (
        b"",
        b"{}\n",
        b"[]\n",
        b"not json\n",
        (
            b'{"kind": "svg", "thumbnail_kind": "png", "sizes": [5, 5], "width": 1, "height": 1,'
            b' "frames": 1, "came": "PNG", "came_width": 1, "came_height": 1}\n<svg><svg>'
        ),
        (
            b'{"kind": "png", "thumbnail_kind": "png", "sizes": [5, 5], "width": 1, "height": 1,'
            b' "frames": 1, "came": "PNG", "came_width": 1, "came_height": 1}\n<svg><svg>'
        ),
        b'{"kind": "png", "sizes": [99999999999, 5]}\n',
    ):
        with pytest.raises(PictureRefused):
            workshop._read(io.BytesIO(answer), "sunset")


def _claiming(width: int, height: int) -> bytes:
    """A PNG whose header says so, and that holds next to nothing."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")
