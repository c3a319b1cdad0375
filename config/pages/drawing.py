"""Small drawings made on the server, so that they need neither a script nor a style attribute."""

from collections.abc import Sequence
from itertools import pairwise


def smooth_path(
    values: Sequence[float], width: float = 100, height: float = 28, *, closed: bool = False
) -> str:
    """Return SVG path data of a smooth line through ``values``, highest value on top.

    The curve is a cubic with horizontal tangents at local extremes (Fritsch and Carlson, 1980), so
    it never shows a value that was not there. ``closed`` runs it down to the ground for a fill.
    """
    if not values:
        return ""
    numbers = [float(value) for value in values]
    if len(numbers) == 1:
        numbers *= 2
    low, high = min(numbers), max(numbers)
    spread = high - low or 1.0
    step = width / (len(numbers) - 1)
    pad = 2.0
    points = [
        (
            index * step,
            height / 2 if high == low else pad + (height - 2 * pad) * (1 - (number - low) / spread),
        )
        for index, number in enumerate(numbers)
    ]
    slopes = [(b[1] - a[1]) / step for a, b in pairwise(points)]
    tangents = [slopes[0], *(_tangent(a, b) for a, b in pairwise(slopes))]
    tangents.append(slopes[-1])
    path = f"M{points[0][0]:.2f},{points[0][1]:.2f}"
    for index in range(len(points) - 1):
        (x0, y0), (x1, y1) = points[index], points[index + 1]
        third = step / 3
        path += (
            f"C{x0 + third:.2f},{y0 + tangents[index] * third:.2f}"
            f" {x1 - third:.2f},{y1 - tangents[index + 1] * third:.2f} {x1:.2f},{y1:.2f}"
        )
    return f"{path}L{width:.2f},{height:.2f}L0,{height:.2f}Z" if closed else path


def _tangent(before: float, after: float) -> float:
    """Return the harmonic mean of two slopes, nothing at a turn."""
    return 0.0 if before * after <= 0 else 2 * before * after / (before + after)
