"""Pages, mails and public pages speak the field's words, in both languages (docs/glossary.md)."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.architecture.files import ROOT

CATALOGUE = ROOT / "locale" / "id" / "LC_MESSAGES" / "django.po"
# What is not said on a page → what is said there.
ENGLISH = {
    r"\b(?:this|the|every|each|any|no|next|first|last) letter\b": "email",
    r"\bletters (?:from|to|that|of)\b|^Letters$": "emails",
    r"\bmails\b": "emails",
    r"\ba mail\b": "an email",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bthe ticked\b": "selected",
    r"\bon the wire\b": "on its way",
    r"\blanes?\b": "by mailbox provider",
    r"\bthe usual words\b": "default text",
    r"\b(?:take|taken) off\b": "remove",
    r"\bput (?:away|back)\b": "archive, or subscribe again",
    r"\bnext slot\b": "next send",
    r"\bLook (?:into|at) your inbox\b": "check your inbox",
    r"\bMay do what\b": "permission",
    r"\bwho moves?\b|\ba move\b|\bmoves from\b": "migration",
}
INDONESIAN = {
    r"\bsurat\b": "email",
    r"\bsurel\b": "email",
    r"\bpindahan\b": "migrasi",
    r"\bmenyurati\b|\bdisurati\b": "mengirim email",
}


def texts() -> list[tuple[str, str]]:
    """Return every text with its translation, plural forms one by one."""
    found = []
    with CATALOGUE.open("rb") as file:
        for message in read_po(file):
            originals = message.id if isinstance(message.id, list | tuple) else [message.id]
            said = message.string if isinstance(message.string, list | tuple) else [message.string]
            found += [(str(text), str(said[0])) for text in originals if text]
    return found


def spoken(words: dict[str, str], said: list[str]) -> list[str]:
    """Return the texts that use banned words, each with the word to use."""
    return [
        f"{text!r}: {instead}"
        for pattern, instead in words.items()
        for text in said
        if re.search(pattern, text, re.IGNORECASE)
    ]


def test_english_texts_use_the_fields_words() -> None:
    assert len(texts()) > 2_000
    assert spoken(ENGLISH, [text for text, _said in texts()]) == []


def test_indonesian_texts_use_the_fields_words() -> None:
    assert spoken(INDONESIAN, [said for _text, said in texts()]) == []


@pytest.mark.parametrize("folder", ["templates"])
def test_templates_hold_no_banned_words_outside_of_texts(folder: str) -> None:
    pages = sorted((ROOT / folder).rglob("*.html"))
    assert pages
    assert [line for page in pages for line in banned(page)] == []


def banned(page: Path) -> list[str]:
    """Return where a template itself, without its comments, says what is not said."""
    text = re.sub(r"\{#.*?#\}", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", text, flags=re.DOTALL)
    return [f"{page.relative_to(ROOT)}: {found}" for found in spoken(ENGLISH, text.splitlines())]
