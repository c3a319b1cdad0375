"""The environment of our pages."""

from typing import Any

from jinja2 import Environment


def environment(**options: Any) -> Environment:
    """Make the Jinja environment of our pages."""
    return Environment(**options)  # noqa: S701 - Django passes autoescape=True


def page_context(request: Any) -> dict[str, Any]:  # noqa: ARG001
    """What every page knows."""
    return {}
