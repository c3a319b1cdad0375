"""Icons as inline SVG, from the files under ``static/icons`` (Tabler Icons, MIT)."""

import re
from functools import cache

from django.utils.html import escape
from markupsafe import Markup

from config.environment import BASE_DIR

ICONS = BASE_DIR / "static" / "icons"
_CONTENT = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@cache
def _content(name: str) -> str:
    found = _CONTENT.search((ICONS / f"{name}.svg").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"static/icons/{name}.svg is not an SVG file.")
    return found[1].strip()


def icon(name: str, size: int = 20, *, label: str = "", classes: str = "") -> Markup:
    """Draw an icon of 24 by 24 units at ``size`` pixels.

    Screen readers skip it, because a word stands beside it; give ``label`` where none does.

    Raises:
        FileNotFoundError: there is no such icon; add its name to frontend/icons.mjs and run it.
    """
    spoken = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704 - name selects a file of ours, the rest is escaped or a number
        f'<svg class="icon {escape(classes)}" width="{int(size)}" height="{int(size)}"'
        f' viewBox="0 0 24 24" {spoken}>{_content(name)}</svg>'
    )
