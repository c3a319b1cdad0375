"""Spark lines show what was there, and nothing else."""

import re

from hypothesis import given
from hypothesis import strategies as st

from config.pages.drawing import smooth_path

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(values)
def test_the_curve_stays_inside_its_box(numbers: list[float]) -> None:
    drawn = [float(y) for y in re.findall(r",(-?[\d.]+)", smooth_path(numbers, 100, 28))]
    assert min(drawn) >= 0
    assert max(drawn) <= 28


def test_a_flat_line_runs_through_the_middle() -> None:
    assert smooth_path([5, 5], 100, 28) == "M0.00,14.00C33.33,14.00 66.67,14.00 100.00,14.00"


def test_nothing_draws_nothing() -> None:
    assert smooth_path([]) == ""
