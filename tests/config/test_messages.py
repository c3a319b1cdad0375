"""Texts are found wherever they are marked; catalogues survive a round trip; none is incomplete."""

import gettext
import io
import re
from pathlib import Path

import pytest
from django.conf import settings

from config import messages
from config.messages import Text

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")
LANGUAGES = [path.name for path in sorted(messages.LOCALE.glob("*")) if path.is_dir()]


@pytest.fixture(scope="module")
def found() -> dict[Text, list[str]]:
    return messages.collect()


def test_texts_of_modules_and_templates_are_found(found: dict[Text, list[str]]) -> None:
    assert "accounts/models.py" in found[Text(text="time zone")]
    assert any(name.startswith("templates/") for names in found.values() for name in names)
    assert len(found) > 300


def test_a_catalogue_survives_writing_and_reading(tmp_path: Path) -> None:
    catalogue = {
        Text(text='Say "hello"\nto %(name)s \\o/'): ['Ucapkan "halo"\nkepada %(name)s \\o/'],
        Text(text="%(n)s cup", plural="%(n)s cups"): ["%(n)s cangkir"],
        Text(text="Open", context="a verb"): ["Buka"],
        Text(text="Not yet"): [""],
    }
    path = tmp_path / "id" / "LC_MESSAGES" / "django.po"
    messages.write(path, "id", catalogue, {})
    assert messages.read(path) == catalogue


def test_the_compiled_form_is_what_gettext_reads() -> None:
    catalogue = {
        Text(text="Cup"): ["Cangkir"],
        Text(text="%(n)s cup", plural="%(n)s cups"): ["%(n)s cangkir"],
        Text(text="Open", context="a verb"): ["Buka"],
        Text(text="Not yet"): [""],
    }
    known = gettext.GNUTranslations(io.BytesIO(messages.compiled("id", catalogue)))
    assert known.gettext("Cup") == "Cangkir"
    assert known.ngettext("%(n)s cup", "%(n)s cups", 3) == "%(n)s cangkir"
    assert known.pgettext("a verb", "Open") == "Buka"
    assert known.gettext("Not yet") == "Not yet"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_its_placeholders(
    language: str, found: dict[Text, list[str]]
) -> None:
    catalogue = messages.read(messages.LOCALE / language / "LC_MESSAGES" / "django.po")
    assert sorted(text.text for text in set(found) - set(catalogue)) == []
    assert sorted(text.text for text in set(catalogue) - set(found)) == []
    assert [text.text for text, forms in catalogue.items() if not all(forms)] == []
    wrong = [
        text.text
        for text, forms in catalogue.items()
        for form in forms
        if set(PLACEHOLDER.findall(form)) != set(PLACEHOLDER.findall(text.plural or text.text))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_up_to_date(language: str) -> None:
    path = messages.LOCALE / language / "LC_MESSAGES" / "django.po"
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(language, messages.read(path))


def test_languages_have_a_catalogue_or_are_the_texts_own() -> None:
    assert set(LANGUAGES) <= {code for code, _ in settings.LANGUAGES} - {"en"}
