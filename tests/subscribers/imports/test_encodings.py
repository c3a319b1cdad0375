"""Files in older encodings arrive as they were meant; a doubtful guess says that it is one."""

import codecs
import unicodedata

import pytest

from subscribers.imports import encodings, layout
from subscribers.imports.reader import Rows
from tests.subscribers.imports.names_of_the_world import ENCODINGS, PEOPLE, encode, table

CASES = [(language, name) for language, names in ENCODINGS.items() for name in names.split()]


def arrived(path):
    """Return the file's cells as they are read, with marks of tones put back on their letters."""
    rows = [row[1] for row in Rows(path, layout.detect(path)) if isinstance(row, tuple)]
    return [[unicodedata.normalize("NFC", cell) for cell in row] for row in rows]


@pytest.mark.parametrize("rows", [5, 60])
@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_names_arrive_whatever_their_encoding(tmp_path, language, encoding, rows):
    text = table(language, rows=rows)
    path = tmp_path / "people.csv"
    path.write_bytes(encode(text, encoding))
    expected = [unicodedata.normalize("NFC", line).split(",") for line in text.splitlines()]
    assert arrived(path) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("language", ["german", "russian", "chinese"])
def test_wide_encodings_with_and_without_a_mark(tmp_path, language, encoding):
    text = table(language, rows=5)
    path = tmp_path / "people.csv"
    path.write_bytes(text.encode(encoding))
    assert arrived(path) == [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        # An international list, saved by a Western spreadsheet.
        ("François Müller|José Peña|São Paulo|Søren Kjær|Åsa Öberg|Jörg Groß|Zoë", "cp1252"),
        ("François Müller|José Peña|São Paulo|Søren Kjær|Åsa Öberg|Jörg Groß|Zoë", "mac_roman"),
        ("Miles O’Brien|100 €|Café “Zoë”", "cp1252"),
        ("Zoë", "cp1252"),
        ("Łódź", "cp1250"),
        ("Wałęsa", "cp1250"),
        ("Иванов", "cp1251"),
        ("王小明", "gb18030"),
        ("Κώστας", "cp1253"),
    ],
)
def test_a_few_names_among_many_plain_rows(tmp_path, names, encoding):
    plain = [f"p{number}@example.com,Anna Smith" for number in range(100)]
    others = [f"q{number}@example.com,{name}" for number, name in enumerate(names.split("|"))]
    path = tmp_path / "people.csv"
    path.write_bytes("\n".join(["email,name", *plain, *others, ""]).encode(encoding))
    assert [row[1] for row in arrived(path)][101:] == names.split("|")


def test_a_guess_says_whether_it_is_certain():
    assert encodings.guess(encode(table("russian", rows=60), "cp1251")).is_certain
    assert not encodings.guess("email,name\na@example.com,Šarić\n".encode("cp1250")).is_certain


def test_a_list_in_utf8_with_broken_bytes_stays_utf8(tmp_path):
    path = tmp_path / "people.csv"
    good = table("czech", rows=20).encode()
    path.write_bytes(good + b"x@example.com,Zo\xeb,B\xf6hm,Plze\xc5\n")
    found = layout.detect(path)
    assert (found.encoding, found.is_certain) == ("utf-8", False)


def test_every_encoding_of_text_that_python_has_is_known():
    names = encodings.every()
    assert {"cp949", "cp1254", "mac-arabic", "hz", "utf-7", "cp037", "koi8-t"} <= set(names)
    for name in names:
        assert codecs.lookup(name)
        assert encodings.canonical(name) == name
    for alias, name in (("Windows-1254", "cp1254"), ("ISO 8859-9", "iso8859-9"), ("L1", "latin-1")):
        assert encodings.canonical(alias) == name
    for unknown in ("base64", "rot13", "idna", "unicode_escape", "klingon"):
        with pytest.raises(LookupError):
            encodings.canonical(unknown)


def test_every_language_of_the_table_has_ten_people():
    assert {len(people.strip().splitlines()) for people in PEOPLE.values()} == {10}
