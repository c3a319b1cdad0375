"""Templates, scripts and style sheets: short lines, layers, and no more than a phone can take."""

import gzip
import re
from pathlib import Path

import pytest

from tests.architecture.files import ROOT

SOURCES = ROOT / "frontend" / "src"
SHEETS = sorted((SOURCES / "css").rglob("*.css"))
LONGEST_LINE = 160
# Gzipped bytes of what every page of the dashboard loads, and of what some load besides.
LARGEST = {"app.css": 25_000, "public.css": 2_500, "app.js": 27_000, "charts.js": 70_000}


def _sources() -> list[Path]:
    folders = (ROOT / "templates", ROOT / "tests" / "look" / "templates", ROOT / "frontend")
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".html", ".mjml", ".txt", ".js", ".mjs", ".css"}
        and "node_modules" not in path.parts
    ]


def test_lines_fit_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)}"
        for path in _sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]
    assert long == []


@pytest.mark.parametrize("name", LARGEST)
def test_bundles_stay_small(name: str) -> None:
    built = (ROOT / "static" / "dist" / name).read_bytes()
    assert len(gzip.compress(built, 9)) < LARGEST[name]


def test_every_sheet_stands_in_a_layer() -> None:
    text = (SOURCES / "app.css").read_text(encoding="utf-8")
    layers = re.findall(r"^@layer ([^;]+);", text, re.MULTILINE)[0].split(", ")
    imports = dict(
        re.findall(r'^@import "\./css/([^"]+)"(?: layer\((\w+)\))?;', text, re.MULTILINE)
    )
    assert set(imports) == {path.relative_to(SOURCES / "css").as_posix() for path in SHEETS}
    outside = {path for path, layer in imports.items() if layer not in layers}
    # A font face knows no layer; CodeMirror writes its own sheet into the page, outside of them.
    assert outside == {"base/fonts.css", "components/editor.css"}


# Set by libraries, or by name and value of a state that Python gives.
GIVEN = re.compile(r"^(is-|cm-|tok-|htmx-|w-\d)")


def _ours(text: str) -> set[str]:
    bare = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"", "", text, flags=re.DOTALL)
    selectors = re.sub(r"\{[^{}]*\}", "{", bare)
    return {name for name in re.findall(r"\.([a-z][\w-]*)", selectors) if not GIVEN.match(name)}


def test_every_class_is_used() -> None:
    words = set()
    for path in [*_sources(), *ROOT.glob("config/*.py")]:
        if path.suffix != ".css":
            words |= set(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    unused = {
        (path.relative_to(SOURCES).as_posix(), name)
        for path in SHEETS
        for name in _ours(path.read_text(encoding="utf-8")) - words
    }
    assert unused == set()
