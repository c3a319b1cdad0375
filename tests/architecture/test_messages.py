"""Every text that people see is marked, found and translated, and keeps its placeholders."""

import importlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.forms.forms import BaseForm
from django.utils.functional import Promise

from tests.architecture.files import APPS, ROOT

# A merge tag counts by its name: what it falls back on is a text like any other.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\{\s*\w+")
LOCALE = ROOT / "locale"


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def forms(text: object) -> list[str]:
    return [str(form) for form in text] if isinstance(text, list | tuple) else [str(text)]


def key(message: object) -> tuple[object, str]:
    return getattr(message, "context", None), forms(getattr(message, "id", ""))[0]


LANGUAGES = [
    path.parts[-3]
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))
    if any(any(forms(message.string)) for message in catalogue(path) if message.id)
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The texts as `make messages` collects them."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    options = re.search(r"^TEXTS := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    assert options is not None
    output = tmp_path_factory.mktemp("messages") / "django.pot"
    program = Path(sys.executable).with_name("pybabel")
    command = [str(program), "--quiet", "extract", "--mapping-file", "babel.cfg"]
    command += ["--output-file", str(output), *options[1].replace("\\\n", " ").split()]
    subprocess.run(command, cwd=ROOT, check=True)
    return catalogue(output)


def test_texts_of_modules_templates_and_mails_are_found(found: Catalog) -> None:
    texts = {key(message)[1] for message in found}
    assert {"time zone", "Sign in"} <= texts
    assert len(texts) > 1000


def test_every_language_offered_has_a_catalogue() -> None:
    offered = {code for code, _ in settings.LANGUAGES} - {"en"}
    assert {path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/django.po")} == offered


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str, found: Catalog) -> None:
    known = catalogue(LOCALE / language / "LC_MESSAGES" / "django.po")
    wanted = {key(message) for message in found if message.id}
    there = {key(message) for message in known if message.id}
    assert sorted(text for _, text in wanted - there) == []
    assert sorted(text for _, text in there - wanted) == []
    unfinished = [
        key(message)[1]
        for message in known
        if message.id and (message.fuzzy or not all(forms(message.string)))
    ]
    assert unfinished == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    wrong = [
        key(message)[1]
        for message in catalogue(LOCALE / language / "LC_MESSAGES" / "django.po")
        if message.id
        for form in forms(message.string)
        # With one form for every number the plural's placeholders are the ones that count.
        if set(PLACEHOLDER.findall(form)) != set(PLACEHOLDER.findall(forms(message.id)[-1]))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_up_to_date(language: str) -> None:
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    fresh = io.BytesIO()
    write_mo(fresh, catalogue(path))
    fresh.seek(0)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = {key(message): message.string for message in read_mo(file) if message.id}
    assert compiled == {key(message): message.string for message in read_mo(fresh) if message.id}


def test_texts_are_marked_only_by_names_that_are_collected() -> None:
    aliases = re.compile(r"gettext\w* as (?!_\b)\w+")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        for match in aliases.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_label_of_a_form_can_be_translated() -> None:
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "form" in str(path.relative_to(ROOT)) and path.name != "__init__.py":
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                if "migrations" not in name:
                    importlib.import_module(name)
    waiting, untranslated = [BaseForm], []
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.partition(".")[0] not in APPS:
            continue
        untranslated += [
            f"{kind.__module__}.{kind.__name__}.{name}: {field.label!r}"
            for name, field in getattr(kind, "base_fields", {}).items()
            # A text that is no promise was written once, in one language. Public forms have labels
            # of the list's own, which their page writes.
            if not isinstance(field.label, Promise)
            and field.label != ""
            and not field.widget.is_hidden
            and kind.__module__ != "subscribers.forms.public"
        ]
    assert untranslated == []
