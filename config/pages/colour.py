"""A workspace's brand colour, made safe to print and easy to read."""

from accounts.choices import USUAL_COLOUR, is_colour

DEFAULT = USUAL_COLOUR
WHITE, BLACK = "#ffffff", "#000000"  # one of them always reaches 4.58:1
READABLE = 4.5  # WCAG 2.2, 1.4.3


def hex_colour(value: str) -> str:
    """Return the colour if it is #rrggbb, else the product's own; safe inside a style sheet."""
    return value.lower() if is_colour(value) else USUAL_COLOUR


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0 to 1 (WCAG 2.2)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for part in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(value: str) -> str:
    """Return white or black, whichever reads better on the colour."""
    colour = hex_colour(value)
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, colour))


def readable(value: str, ground: str = WHITE) -> str:
    """Return the colour, moved away from ``ground`` just far enough to be read as text on it."""
    colour = hex_colour(value)
    target = BLACK if luminance(ground) > 0.5 else WHITE  # noqa: PLR2004 - the middle
    for step in range(21):
        mixed = "#" + "".join(
            f"{round(a + (b - a) * step / 20):02x}"
            for a, b in zip(_channels(colour), _channels(target), strict=True)
        )
        if contrast(mixed, ground) >= READABLE:
            return mixed
    return target


FILTERS = {"hex_colour": hex_colour, "ink_on": ink_on, "readable": readable}
