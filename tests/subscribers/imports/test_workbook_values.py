"""Cells of a workbook arrive as people see them there."""

import csv
import zipfile

import pytest

from subscribers.imports import files, spreadsheet

XML = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
PLAIN, CODE, PHONE, LONG_CODE, DAY, PERCENT, UNIT = range(7)
FORMATS = {
    CODE: "00000",
    PHONE: '"+"0',
    LONG_CODE: "[&lt;=9999999]###-####;(###) ###-####",
    DAY: "yyyy-mm-dd",
    PERCENT: "0%",
    UNIT: "0&quot; kg&quot;",
}


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def text(place, words):
    return f'<c r="{place}" t="inlineStr"><is><t>{words}</t></is></c>'


def number(place, value, style=PLAIN):
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def row(index, *cells):
    return f'<row r="{index}">{"".join(cells)}</row>'


def read(sheets, *, since_1904=False):
    """Write a workbook of sheets (name, state, rows as XML), and return what it becomes."""
    path = files.new_path(".csv")
    formats = "".join(
        f'<numFmt numFmtId="{200 + key}" formatCode="{code.replace(chr(34), "&quot;")}"/>'
        for key, code in FORMATS.items()
    )
    styles = "".join(
        f'<xf numFmtId="{200 + key if key in FORMATS else 0}" applyNumberFormat="1"/>'
        for key in range(7)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'{XML}<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        named = "".join(
            f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="rId{n}"/>'
            for n, (name, state, _rows) in enumerate(sheets, start=1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{XML}<workbook {MAIN} xmlns:r="{REL}"><workbookPr date1904="{int(since_1904)}"/>'
            f"<sheets>{named}</sheets></workbook>",
        )
        related = "".join(
            f'<Relationship Id="rId{n}" Type="{REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{related}'
            f'<Relationship Id="rId99" Type="{REL}/styles" Target="styles.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/styles.xml",
            f"{XML}<styleSheet {MAIN}><numFmts>{formats}</numFmts>"
            f"<cellXfs>{styles}</cellXfs></styleSheet>",
        )
        for n, (_name, _state, rows) in enumerate(sheets, start=1):
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f"{XML}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
            )
    with spreadsheet.to_csv(path).open(newline="") as file:
        return list(csv.reader(file))


def one(*cells, first=2):
    """Return the cells that a row of people becomes."""
    head = row(first - 1, text(f"A{first - 1}", "email"))
    rows = head + row(first, text(f"A{first}", "a@x.org"), *cells)
    return read([("People", "visible", rows)])[-1][1:]


@pytest.mark.parametrize(
    ("value", "style", "shown"),
    [
        (1067, CODE, "01067"),
        (628123456789, PHONE, "+628123456789"),
        (5551234567, LONG_CODE, "(555) 123-4567"),
        (5551234, LONG_CODE, "555-1234"),
        (45000, DAY, "2023-03-15"),
        (0.5, PERCENT, "0.5"),
        (12, UNIT, "12"),
        (1067, PLAIN, "1067"),
        (12.300000000000001, PLAIN, "12.3"),
        (6281234567890, PLAIN, "6281234567890"),
    ],
)
def test_numbers_arrive_as_their_format_shows_them(value, style, shown):
    assert one(number("B2", value, style)) == [shown]


def test_formats_are_found_below_empty_rows():
    assert one(number("B6", 1067, CODE), first=6) == ["01067"]


def test_truth_formulas_and_errors():
    cells = one(
        '<c r="B2" t="b"><v>1</v></c>',
        '<c r="C2" t="str"><f>"Ana"&amp;""</f><v>Ana</v></c>',
        '<c r="D2" s="1"><f>1000+67</f><v>1067</v></c>',
        '<c r="E2" t="e"><f>NA()</f><v>#N/A</v></c>',
    )
    assert cells[:3] == ["yes", "Ana", "01067"]
    assert cells[3] in {"", "#N/A"}


def test_days_of_old_macs():
    rows = row(1, text("A1", "email")) + row(2, text("A2", "a@x.org"), number("B2", 43538, DAY))
    assert read([("People", "visible", rows)], since_1904=True)[-1][1] == "2023-03-15"


def test_the_first_visible_sheet_with_addresses_is_read():
    people = row(1, text("A1", "email")) + row(2, text("A2", "a@x.org"))
    secret = row(1, text("A1", "email")) + row(2, text("A2", "secret@x.org"))
    about = row(1, text("A1", "How to use this file"))
    found = read(
        [("Old", "hidden", secret), ("About", "visible", about), ("People", "visible", people)]
    )
    assert found == [["email"], ["a@x.org"]]
