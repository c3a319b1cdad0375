"""Whatever a file holds, every row of it is accounted for."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.imports import layout
from subscribers.imports.layout import Layout
from subscribers.imports.reader import LONGEST_ROW, BrokenRow, Rows


def read(path, *, width=None, **more):
    values = {"encoding": "utf-8", "delimiter": ",", "has_header": False, **more}
    return list(Rows(path, Layout(**values), width=width))


def written(tmp_path, content):
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        ("email,name\na@example.com,Zoë\n".encode(), "utf-8", ","),
        ("email;name\na@example.com;Zoë\n".encode("utf-8-sig"), "utf-8-sig", ";"),
        ("email\tname\na@example.com\tZoë\n".encode("utf-16"), "utf-16", "\t"),
        ("email|name\na@example.com|Zoe\n".encode("utf-16-le"), "utf-16-le", "|"),
        ("email,name\na@example.com,Zoë\n".encode("latin-1"), "cp1252", ","),
        ("email;name\na@example.com;“Zoë”\n".encode("cp1252"), "cp1252", ";"),
        (b"email,name\na@example.com,Zo\xeb\x81\n", "latin-1", ","),
        (b"email\na@example.com\n", "utf-8", ","),
    ],
)
def test_layouts(tmp_path, content, encoding, delimiter):
    found = layout.detect(written(tmp_path, content))
    assert found == Layout(encoding=encoding, delimiter=delimiter, has_header=True)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Łukasz Żółć, Małgorzata Wiśniewska, Gdańsk", "cp1250"),
        ("Łukasz Żółć, Małgorzata Wiśniewska, Gdańsk", "iso8859-2"),
        ("Jiří Dvořák, Žižkov, Ondřej Šťastný", "cp1250"),
        ("Иван Петров, Москва, Ольга Смирнова", "cp1251"),
        ("Иван Петров, Москва, Ольга Смирнова", "koi8-r"),
        ("Γιώργος Παπαδόπουλος, Αθήνα", "cp1253"),
        ("たなか さくら, 東京都, カタカナ", "cp932"),
        ("王小明, 北京市, 李华, 上海", "gb18030"),
        ("François Müller, Señor Núñez, Ångström", "cp1252"),
        ("Jörg Groß, Düsseldorf, Zoë", "cp1252"),
        ("José Peña, São Paulo, Conceição, Mère", "cp1252"),
    ],
)
def test_older_encodings_are_told_by_their_letters(tmp_path, text, encoding):
    rows = "".join(f"p{n}@example.com;{name}\n" for n, name in enumerate(text.split(", ")))
    path = written(tmp_path, ("email;name\n" + rows).encode(encoding))
    found = layout.detect(path)
    assert (found.encoding, found.delimiter) == (encoding, ";")
    cells = [row[1][1] for row in read(path, encoding=encoding, delimiter=";")]
    assert cells[1:] == text.split(", ")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", ":"])
def test_delimiters(tmp_path, delimiter):
    rows = [["email", "name", "at"], ["a@example.com", "Ani, Sari", "x"], ["b@example.com", "", ""]]
    text = "".join(
        delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) + "\n" for row in rows
    )
    assert layout.detect(written(tmp_path, text)).delimiter == delimiter


def test_a_column_of_clock_times_is_no_delimiter(tmp_path):
    path = written(tmp_path, "email\na@example.com 10:15\nb@example.com 9:30\n")
    assert layout.detect(path).delimiter == ","


def test_a_file_without_names_for_its_columns(tmp_path):
    path = written(tmp_path, "a@example.com,Ani\nb@example.com,Budi\n")
    assert not layout.detect(path).has_header


def test_utf8_with_a_few_damaged_places_stays_utf8(tmp_path):
    path = written(tmp_path, "zoë@example.com\n".encode() * 50 + b"zo\xeb@example.com\n")
    found = layout.detect(path)
    assert found.encoding == "utf-8"
    rows = read(path, encoding=found.encoding)
    assert [row.problem.code for row in rows if isinstance(row, BrokenRow)] == ["undecodable"]
    assert len(rows) == 51


def test_a_field_of_fifty_megabytes_is_one_broken_row(tmp_path):
    path = written(tmp_path, b"a,b\nx,1\n" + b'"' + b"y" * 50_000_000 + b'",2\nz,3\n')
    rows = read(path, width=2)
    assert [row if isinstance(row, tuple) else row.problem.code for row in rows] == [
        (1, ["a", "b"]),
        (2, ["x", "1"]),
        "row_too_long",
        (4, ["z", "3"]),
    ]


def test_a_quote_that_never_closes_costs_one_row(tmp_path):
    body = "".join(f"p{n},x\n" for n in range(1000))
    path = written(tmp_path, f'a,b\nq,"open\n{body}')
    rows = read(path, width=2)
    assert [row.problem.code for row in rows if isinstance(row, BrokenRow)] == ["quote_open"]
    assert len(rows) == 1002


def test_broken_rows_keep_their_numbers(tmp_path):
    path = written(tmp_path, 'a,b\n1,"two\nlines"\n\nx\n2,3,4\n5,6,\nz\x00,1\n')
    rows = read(path, width=2)
    assert [
        (row.number, row.problem.code) if isinstance(row, BrokenRow) else row for row in rows
    ] == [
        (1, ["a", "b"]),
        (2, ["1", "two\nlines"]),
        (4, "row_columns"),
        (5, "row_columns"),
        (6, ["5", "6"]),
        (7, "nul"),
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=12))
def test_what_a_csv_writer_writes_comes_back(tmp_path_factory, table):
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    path = written(tmp_path_factory.mktemp("h"), text.getvalue().encode("utf-8", "replace"))
    rows = read(path, width=3)
    plain = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in table]
    expected = [
        row
        for row in plain
        if any(map(str.strip, row)) and not any("\0" in cell or "\ufffd" in cell for cell in row)
    ]
    assert [row[1] for row in rows if isinstance(row, tuple)] == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_read_to_their_end(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("h")
    path = written(folder, content)
    rows = list(Rows(path, layout.detect(path), width=2))
    numbers = [row.number if isinstance(row, BrokenRow) else row[0] for row in rows]
    assert numbers == sorted(set(numbers))
    assert all(isinstance(row, BrokenRow) or len(row[1]) == 2 for row in rows)
    unquoted = content.replace(b'"', b"'") + b"\nlast,row\n"
    assert read(written(folder, unquoted), width=2)[-1][1] == ["last", "row"]


def test_a_long_row_is_not_kept(tmp_path):
    path = written(tmp_path, "a,b\n" + "x" * (LONGEST_ROW * 3) + ",1\nc,d\n")
    rows = read(path, width=2)
    assert isinstance(rows[1], BrokenRow)
    assert len(rows[1].text) <= 200
    assert rows[2] == (3, ["c", "d"])


def test_decimal_commas_and_a_quote_left_open_do_not_hide_the_semicolons() -> None:
    rows = [f"Dewi;p{n}@example.org;388,50" for n in range(120)]
    rows[90] = 'Budi;"budi@example.org;12,5'
    text = "Nama;Surel;Belanja\n" + "\n".join(rows) + "\n"
    assert layout.detect_delimiter(text) == ";"
