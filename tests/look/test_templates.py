"""What every template keeps to: names that exist, and no style or script of its own."""

import re
from pathlib import Path

import pytest
from django.template import engines
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from config.environment import BASE_DIR
from config.pages.icons import ICONS

TEMPLATES = sorted((BASE_DIR / "templates").rglob("*.html"))
INLINE = re.compile(
    r"""\s(style|on[a-z]+)=["']|<script(?![^>]*\b(src|type="application/json")[=>])"""
)


def _names(resolver: URLResolver, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            found.add(prefix + pattern.name)
        elif isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            found |= _names(pattern, inner)
    return found


def _written(path: Path) -> str:
    return re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_links_lead_to_pages_that_exist() -> None:
    known = _names(get_resolver())
    unknown = {
        (str(path.relative_to(BASE_DIR)), name)
        for path in TEMPLATES
        for name in re.findall(r"""\burl\(\s*["']([\w:-]+)["']\s*[,)]""", _written(path))
        if name not in known
    }
    assert unknown == set()


def test_icons_exist() -> None:
    known = {path.stem for path in ICONS.glob("*.svg")}
    unknown = {
        (str(path.relative_to(BASE_DIR)), name)
        for path in TEMPLATES
        for name in re.findall(r"""\bicon\(\s*["']([\w-]+)["']""", _written(path))
        if name not in known
    }
    assert unknown == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_templates_compile_and_keep_to_the_content_security_policy(path: Path) -> None:
    engines["jinja2"].get_template(str(path.relative_to(BASE_DIR / "templates")))
    assert INLINE.search(_written(path)) is None
