"""Collects the texts that people see, and compiles their translations.

``python -m config.messages`` (``make messages``) finds every marked text in Python modules and in
Jinja templates, brings ``locale/<language>/LC_MESSAGES/django.po`` up to date (what was translated
stays, what is gone goes) and compiles it. Django's own makemessages does not read Jinja's
``{% trans %}``, and both of its commands need GNU gettext; this needs nothing.
"""

import ast
import os
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.environment import BASE_DIR

ROOMS = ("config", "accounts", "subscribers", "campaigns", "delivery", "reports", "api")
LOCALE = BASE_DIR / "locale"
# How many leading arguments of a function are its singular, plural and context.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "_": ("text",),
    "gettext": ("text",),
    "gettext_lazy": ("text",),
    "gettext_noop": ("text",),
    "ngettext": ("text", "plural"),
    "ngettext_lazy": ("text", "plural"),
    "pgettext": ("context", "text"),
    "pgettext_lazy": ("context", "text"),
    "npgettext": ("context", "text", "plural"),
    "npgettext_lazy": ("context", "text", "plural"),
}
# Languages with one form for every number; others add their rule here.
PLURALS = {"id": "nplurals=1; plural=0;"}
ENGLISH_PLURALS = "nplurals=2; plural=(n != 1);"
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
UNESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t", "\\r": "\r"}
FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?) (".*")$')


@dataclass(frozen=True, kw_only=True, order=True)
class Text:
    """One text in English, as it stands in the code."""

    text: str
    plural: str = ""
    context: str = ""


Catalogue = dict[Text, list[str]]


def collect() -> dict[Text, list[str]]:
    """Return every marked text and the files it stands in."""
    found: dict[Text, list[str]] = {}
    for path, text in (*_in_modules(), *_in_templates()):
        files = found.setdefault(text, [])
        name = path.relative_to(BASE_DIR).as_posix()
        if name not in files:
            files.append(name)
    return found


def _in_modules() -> Iterator[tuple[Path, Text]]:
    for room in ROOMS:
        for path in sorted((BASE_DIR / room).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    words = [
                        argument.value if isinstance(argument, ast.Constant) else None
                        for argument in node.args
                    ]
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    text = _text(name, words)
                    if text:
                        yield path, text


def _in_templates() -> Iterator[tuple[Path, Text]]:
    from django.template import engines

    environment: Any = engines["jinja2"].env  # type: ignore[attr-defined]  # Jinja's own
    folder = BASE_DIR / "templates"
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        source = path.read_text(encoding="utf-8")
        environment.parse(source, filename=str(path))  # names the file, should it be wrong
        for _line, name, words in environment.extract_translations(source):
            given = list(words) if isinstance(words, tuple) else [words]
            text = _text(name, given)
            if text:
                yield path, text


def _text(function: str, words: list[Any]) -> Text | None:
    parts = FUNCTIONS.get(function)
    if parts is None or len(words) < len(parts):
        return None
    given = dict(zip(parts, words, strict=False))
    if not all(isinstance(word, str) for word in given.values()) or not given["text"]:
        return None
    return Text(**given)


def read(path: Path) -> Catalogue:
    """Read a catalogue; an empty one if there is no such file."""
    if not path.exists():
        return {}
    catalogue: Catalogue = {}
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            start = FIELD.match(line)
            if start:
                name = start[1]
                fields[name] = _unquote(start[2])
            elif line.startswith('"') and name:
                fields[name] += _unquote(line)
        if fields.get("msgid"):
            text = Text(
                text=fields["msgid"],
                plural=fields.get("msgid_plural", ""),
                context=fields.get("msgctxt", ""),
            )
            catalogue[text] = [
                value for key, value in sorted(fields.items()) if key.startswith("msgstr")
            ]
    return catalogue


def _unquote(quoted: str) -> str:
    return re.sub(r'\\[\\"ntr]', lambda found: UNESCAPES[found[0]], quoted[1:-1])


def _quote(text: str) -> str:
    return '"' + re.sub(r'[\\"\n\t\r]', lambda found: ESCAPES[found[0]], text) + '"'


def header(language: str) -> str:
    """Return the head of a language's catalogue."""
    return (
        f"Language: {language}\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        f"Plural-Forms: {PLURALS.get(language, ENGLISH_PLURALS)}\n"
    )


def forms(language: str) -> int:
    """Return how many plural forms a language has."""
    return int(PLURALS.get(language, ENGLISH_PLURALS)[len("nplurals=")])


def write(path: Path, language: str, catalogue: Catalogue, places: dict[Text, list[str]]) -> None:
    """Write a catalogue, sorted by text."""
    blocks = ['msgid ""\nmsgstr ""\n' + "\n".join(map(_quote, header(language).splitlines(True)))]
    for text in sorted(catalogue):
        lines = [f"#: {name}" for name in places.get(text, [])]
        if text.context:
            lines.append(f"msgctxt {_quote(text.context)}")
        lines.append(f"msgid {_quote(text.text)}")
        if text.plural:
            lines.append(f"msgid_plural {_quote(text.plural)}")
            lines += [
                f"msgstr[{number}] {_quote(form)}" for number, form in enumerate(catalogue[text])
            ]
        else:
            lines.append(f"msgstr {_quote(catalogue[text][0])}")
        blocks.append("\n".join(lines))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def compiled(language: str, catalogue: Catalogue) -> bytes:
    """Return a catalogue in the binary form that Python's gettext reads (GNU .mo)."""
    pairs = {b"": header(language).encode()}
    for text, translated in catalogue.items():
        if all(translated):
            key = f"{text.context}\x04{text.text}" if text.context else text.text
            if text.plural:
                key = f"{key}\0{text.plural}"
            pairs[key.encode()] = "\0".join(translated).encode()
    keys = sorted(pairs)
    at = 28 + 16 * len(keys)
    table: dict[str, list[int]] = {"keys": [], "values": []}
    body = b""
    for name, words in (("keys", keys), ("values", [pairs[key] for key in keys])):
        for word in words:
            table[name] += [len(word), at + len(body)]
            body += word + b"\0"
    numbers = [0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0]
    return (
        struct.pack(f"<{len(numbers) + 4 * len(keys)}I", *numbers, *table["keys"], *table["values"])
        + body
    )


def update(language: str, found: dict[Text, list[str]]) -> int:
    """Bring a language's catalogue up to date and return how many texts lack a translation."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    known = read(path)
    catalogue = {
        text: known.get(text) or [""] * (forms(language) if text.plural else 1) for text in found
    }
    write(path, language, catalogue, found)
    path.with_suffix(".mo").write_bytes(compiled(language, catalogue))
    return sum(not all(translated) for translated in catalogue.values())


def main() -> None:
    """Bring every language but English up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings

    django.setup()
    found = collect()
    for language, name in settings.LANGUAGES:
        if language != settings.LANGUAGE_CODE:
            missing = update(language, found)
            sys.stdout.write(f"{name}: {len(found)} texts, {missing} without translation\n")


if __name__ == "__main__":
    main()
