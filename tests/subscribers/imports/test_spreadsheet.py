"""Workbooks become CSV, and one that asks for too much ends nothing but its own conversion."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test.utils import override_settings

from subscribers.imports import files, spreadsheet, steps, workbook
from tests.people import Cast

TOO_LARGE = "The workbook is too large. Save the sheet as CSV."
UNREADABLE = "This workbook can't be opened. Save it again as XLSX or CSV, without a password."
XML = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Write a workbook of one sheet, given its rows as XML, among the uploads."""

    def write(rows: str, *, sheet: str = "worksheets/sheet1.xml") -> Path:
        path = files.new_path(".csv")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'{XML}<Types xmlns="{PACKAGE}/content-types">'
                '<Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET}.sheet.main+xml"/>'
                f'<Override PartName="/xl/{sheet}" ContentType="{SHEET}.worksheet+xml"/></Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/workbook.xml",
                f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets>'
                '<sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>',
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{REL}/worksheet" Target="{sheet}"/></Relationships>',
            )
            archive.writestr(
                f"xl/{sheet}",
                f'{XML}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
            )
        return path

    with override_settings(DATA_DIR=tmp_path):
        yield write


def cell(place: str, text: str) -> str:
    """Return a cell with its text in it."""
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_the_first_sheet_becomes_csv(make: Make) -> None:
    """Text as it is, whole numbers without a point, truth as a word; empty cells are none."""
    path = make(
        f'<row r="1">{cell("A1", "email")}{cell("B1", "points")}<c r="XFD1" s="0"/></row>'
        f'<row r="2">{cell("A2", "dewi@example.com")}<c r="B2"><v>12</v></c></row>'
    )
    assert spreadsheet.to_csv(path).read_text() == "email,points\ndewi@example.com,12\n"


@pytest.mark.parametrize("last", ["XFD1048576", "XFD6000", "A1048577", "KO2"])
def test_two_cells_far_apart_are_refused(make: Make, last: str) -> None:
    """Nothing is made for the cells between them."""
    path = make(f'<row r="1">{cell("A1", "email")}</row><row>{cell(last, "x")}</row>')
    with pytest.raises(files.FileRefused, match=TOO_LARGE):
        spreadsheet.to_csv(path)
    assert list(files.folder().iterdir()) == [path]


def test_memory_has_an_end_where_measuring_was_deceived(
    make: Make,
) -> None:
    """A reference that the look before does not see ends the program that reads it, not us."""
    far = cell("XFD1048576", "x").replace("<c ", f'<c x="{"y" * 300}" ')
    path = make(f'<row r="1">{cell("A1", "email")}{far}</row>')
    with pytest.raises(files.FileRefused, match=TOO_LARGE):
        spreadsheet.to_csv(path)
    assert list(files.folder().iterdir()) == [path]


def test_what_is_written_has_an_end(make: Make) -> None:
    """A small archive of one long text over and over stops at the size of an upload."""
    rows = "".join(f'<row r="{n}">{cell(f"A{n}", "x" * 10_000)}</row>' for n in range(1, 400))
    path = make(rows)
    with (
        override_settings(IMPORT_MAX_BYTES=2_000_000),
        pytest.raises(files.FileRefused, match=TOO_LARGE),
    ):
        spreadsheet.to_csv(path)
    assert list(files.folder().iterdir()) == [path]


def test_unpacking_is_counted_not_believed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that declares less than it holds is damaged; one that holds much is too large."""
    path = make(f'<row r="1">{cell("A1", "x" * 50_000)}</row>')
    monkeypatch.setattr(workbook, "LARGEST_UNPACKED", 40_000)
    with pytest.raises(workbook.TooLarge):
        workbook._measure(path, 300)


def test_a_slow_workbook_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who uploads waits a minute at most."""
    monkeypatch.setattr(spreadsheet, "LONGEST_WAIT", 0.001)
    with pytest.raises(files.FileRefused, match=TOO_LARGE):
        spreadsheet.to_csv(make(f'<row r="1">{cell("A1", "email")}</row>'))


def test_no_workbook_is_refused(make: Make) -> None:
    """An archive of something else gets the other sentence."""
    path = make("")
    path.write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(files.FileRefused, match=UNREADABLE):
        spreadsheet.to_csv(path)


@pytest.mark.django_db
def test_a_refused_upload_leaves_nothing(make: Make, cast: Cast) -> None:
    """Neither the upload nor a half-written CSV stays on the disk."""
    path = make(f'<row r="1">{cell("A1", "email")}{cell("XFD1048576", "x")}</row>')
    with pytest.raises(files.FileRefused):
        steps.take_file(cast.workspace, path=path, size=1, filename="x.xlsx")
    assert list(files.folder().iterdir()) == []
