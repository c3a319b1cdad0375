"""Enumerations whose choices reach a model field as a callable.

A callable keeps labels and new members out of migrations (Django's ``choices`` docs). This
stands in `accounts` because every other app may import from here.
"""

import re
from typing import Any

from django.conf import settings
from django.db.models import IntegerChoices, TextChoices

USUAL_COLOUR = "#0f6e63"  # the product's own, where a workspace has none that can be read
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class TextOptions(TextChoices):
    """Text choices with `options`, to be given as ``choices=Enum.options``."""

    @classmethod
    def options(cls) -> list[tuple[str, Any]]:
        """Return (value, label) pairs."""
        return cls.choices


class IntegerOptions(IntegerChoices):
    """Integer choices with `options`, to be given as ``choices=Enum.options``."""

    @classmethod
    def options(cls) -> list[tuple[int, Any]]:
        """Return (value, label) pairs."""
        return cls.choices


def languages() -> list[tuple[str, Any]]:
    """Return the languages of the interface as (code, name) pairs."""
    return list(settings.LANGUAGES)


def is_colour(text: str) -> bool:
    """Say whether a text is a colour, written #rrggbb: safe inside a style sheet."""
    return _COLOUR.fullmatch(text) is not None
