"""Files have meaningful names, a readable length, and speak of the project alone."""

import re

import pytest

from tests.architecture.files import APPS, ROOT, python_files, text_files

MEANINGLESS = {"common", "core", "utils", "util", "helpers", "helper", "services", "misc", "lib"}
LONGEST = 400
LONGEST_WHOLE = 500
# A protocol's state machine is one class: its states side by side read better than apart.
WHOLE = {"smtp_run.py", "smtp_session.py", "models.py"}

# Where packages come from and where somebody's files lie is no business of the project. Written
# apart, so that this file does not hold what it looks for.
FOREIGN = [
    "".join(words)
    for words in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.", "npmjs"),
        ("registry.", "yarnpkg"),
        ("proxy.", "golang"),
        ("/ro", "ot/"),
        ("/wo", "rk/"),
        ("/home/", "[a-z]"),
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X\\b"),
    )
]
WORDS_NOT_USED = [
    "".join(words) for words in (("black", "list"), ("white", "list"), ("e-?mail ", "blast"))
]


@pytest.mark.parametrize("app", APPS)
def test_module_names_say_what_happens(app: str) -> None:
    names = {path.stem for path in (ROOT / app).rglob("*.py")}
    names |= {path.name for path in (ROOT / app).rglob("*") if path.is_dir()}
    assert names & MEANINGLESS == set()


def test_modules_are_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (LONGEST_WHOLE if path.name in WHOLE else LONGEST)
    }
    assert long == {}


def test_packages_hold_a_docstring_at_most() -> None:
    # Django finds an app's models in the package ``models`` alone, so that one names its modules'.
    filled = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.name == "__init__.py"
        and path.parent.name != "models"
        and len(path.read_text(encoding="utf-8").splitlines()) > 12
    ]
    assert filled == []


def test_every_icon_is_drawn_somewhere() -> None:
    named = " ".join(
        path.read_text(encoding="utf-8")
        for path in text_files()
        if path.suffix in {".py", ".html", ".js"} and path.relative_to(ROOT).parts[0] != "tests"
    )
    icons = {path.stem for path in (ROOT / "static" / "icons").glob("*.svg")}
    assert {one for one in icons if not re.search(rf"[\"'`]{re.escape(one)}[\"'`]", named)} == set()
    listed = (ROOT / "frontend" / "icons.mjs").read_text(encoding="utf-8")
    assert {one for one in icons if one not in listed.split()} == set()


def test_the_index_of_decisions_names_each_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    titles = {page.name: page.read_text(encoding="utf-8").splitlines()[0][2:] for page in pages}
    index = (folder / "README.md").read_text(encoding="utf-8")
    listed = {
        name: title for title, name in re.findall(r"^- \[(.+)\]\((.+)\)$", index, re.MULTILINE)
    }
    assert listed == titles
    assert all(title.startswith(f"{int(name[:4])}. ") for name, title in titles.items())


def test_no_registry_host_machine_path_or_unfinished_mark_anywhere() -> None:
    pattern = re.compile("|".join(FOREIGN))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_our_words_are_the_glossarys() -> None:
    pattern = re.compile("|".join(WORDS_NOT_USED), re.IGNORECASE)
    suffixes = {".py", ".html", ".md", ".txt", ".mjml", ".js", ".css"}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        if path.suffix in suffixes
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line) and not line.startswith("Not used:")
    ]
    assert found == []


def test_locked_requirements_name_no_index_and_have_hashes() -> None:
    for name in ("base.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert "--index" not in text
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9._-]+(?:\[[^]]+\])?==", text, re.MULTILINE | re.IGNORECASE)
        blocks = re.findall(
            r"^[a-zA-Z0-9][^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+", text, re.MULTILINE
        )
        assert len(pins) == len(blocks) > 40


def test_locked_requirements_match_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pinned = re.findall(r'^  "([A-Za-z0-9_.-]+)(?:\[[^]]+\])?==([^"]+)",', project, re.MULTILINE)
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]+\])?==([^ ;\\]+)", lock, re.MULTILINE))
    stale = {
        name: version
        for name, version in pinned
        if locked.get(re.sub(r"[-_.]+", "-", name).lower()) != version
    }
    assert stale == {}
