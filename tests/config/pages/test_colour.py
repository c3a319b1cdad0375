"""A brand colour can be printed into a style sheet and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.pages import colour

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize("value", ["", "red", "#fff", "#12345g", "#0f6e63;}body{display:none"])
def test_what_is_no_colour_becomes_our_own(value: str) -> None:
    assert colour.hex_colour(value) == colour.DEFAULT


@given(colours, st.sampled_from(["#ffffff", "#1a1f1e"]))
def test_a_brand_colour_as_text_is_readable(value: str, ground: str) -> None:
    assert colour.contrast(colour.readable(value, ground), ground) >= colour.READABLE


@given(colours)
def test_the_ink_on_a_button_is_readable(value: str) -> None:
    assert colour.contrast(colour.ink_on(value), value) >= colour.READABLE


def test_a_readable_colour_stays_as_it_is() -> None:
    assert colour.readable("#0f6e63") == "#0f6e63"
