"""Word documents, presentations and spreadsheets as text; bombs and broken ones."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import Any

import pytest
from docx.oxml import parse_xml

from tests.documents import (
    Maker,
    changed,
    compound,
    part,
    slide,
    slide_table,
    slides,
    spreadsheet,
    word,
)
from tests.unit.parse_support import Reader, reader

__all__ = ["reader"]

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def report(document: Any) -> None:
    document.add_heading("Annual report", 0)
    document.add_paragraph("What happened.")
    document.add_heading("Results", 1)
    document.add_paragraph("Revenue grew.", style="List Bullet")
    document.add_paragraph("Costs fell.", style="List Number")
    document.add_heading("By region", 2)
    table = document.add_table(2, 3)
    for cell, text in zip(table._cells, ("Region", "2025", "2026", "North", "1", "2"), strict=True):
        cell.text = text
    document.add_heading("Outlook", 1)
    document.add_paragraph("It will\tgo\non.")


def talk(presentation: Any) -> None:
    first = slide(presentation, "Why cats", "They purr.\nThey sleep.", notes="Smile here.")
    slide_table(first, [["Cat", "Hours"], ["Tom", "16"]])
    slide(presentation, "Thanks", "Questions?")


COSTS = [
    ["Item", "Price", "When"],
    ["Pen", 3.5, datetime.date(2026, 1, 2)],
    ["Ink", None, True],
]


# --- Word ---------------------------------------------------------------------------------------


def test_a_word_document_is_read_in_order_under_its_headings(reader: Reader) -> None:
    parsed = reader.read("report.docx", word(report))
    assert parsed.text == (
        "Annual report\n\nWhat happened.\n\nResults\n\n- Revenue grew.\n- Costs fell.\n"
        "By region\n\nRegion | 2025 | 2026\nNorth | 1 | 2\n\nOutlook\n\nIt will\tgo\non.\n\n"
    )
    place = {block.text: block.place for block in parsed.blocks}
    assert place["North | 1 | 2\n"] == {"section": "Annual report > Results > By region"}
    assert place["It will\tgo\non.\n\n"] == {"section": "Annual report > Outlook"}


def test_what_word_keeps_in_odd_places_is_read_and_what_was_deleted_is_not(reader: Reader) -> None:
    def make(document: Any) -> None:
        body = document.element.body
        said = "<w:r><w:t>{}</w:t></w:r>"
        for number, xml in enumerate(
            (
                f"<w:p {W}><w:ins>{said.format('Inserted.')}</w:ins></w:p>",
                f"<w:sdt {W}><w:sdtContent><w:p>{said.format('Filled in.')}</w:p>"
                "</w:sdtContent></w:sdt>",
                f"<w:p {W}><w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del>"
                f"<w:hyperlink>{said.format('Linked.')}</w:hyperlink></w:p>",
            )
        ):
            body.insert(number, parse_xml(xml))

    assert reader.text("a.docx", word(make)).split("\n\n")[:3] == [
        "Inserted.",
        "Filled in.",
        "Linked.",
    ]


def test_a_footnote_stands_behind_the_paragraph_that_has_it(reader: Reader) -> None:
    def make(document: Any) -> None:
        document.add_paragraph("Cats purr.")
        paragraph = document.paragraphs[0]._p
        paragraph.append(parse_xml(f'<w:r {W}><w:footnoteReference w:id="2"/></w:r>'))

    plain = word(make)
    rels = part(plain, "word/_rels/document.xml.rels").decode()
    types = part(plain, "[Content_Types].xml").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    content = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>Most of them.</w:t></w:r></w:p></w:footnote>'
    noted = changed(
        plain,
        {
            "word/footnotes.xml": f"<w:footnotes {W}>{note}</w:footnotes>".encode(),
            "word/_rels/document.xml.rels": rels.replace(
                "</Relationships>",
                f'<Relationship Id="rIdN" Type="{kind}" Target="footnotes.xml"/></Relationships>',
            ).encode(),
            "[Content_Types].xml": types.replace(
                "</Types>",
                f'<Override PartName="/word/footnotes.xml" ContentType="{content}"/></Types>',
            ).encode(),
        },
    )
    assert reader.text("a.docx", noted) == "Cats purr.[1]\n[1] Most of them.\n\n"


def test_a_table_within_a_cell_is_part_of_the_cell(reader: Reader) -> None:
    def make(document: Any) -> None:
        table = document.add_table(1, 2)
        table.cell(0, 0).text = "outer"
        table.cell(0, 1).add_table(1, 1).cell(0, 0).text = "inner"

    assert reader.text("a.docx", word(make)).strip() == "outer | inner"


def test_a_new_document_with_an_old_ending_is_read(reader: Reader) -> None:
    assert reader.text("a.doc", word(report)).startswith("Annual report")


def test_an_old_word_document_says_what_to_do(reader: Reader) -> None:
    error = reader.refused("old.doc", compound(encrypted=False))
    assert error.code == "unsupported_file"
    assert "save the Word document as .docx" in str(error)


# --- slides -------------------------------------------------------------------------------------


def test_each_slide_is_a_block_with_its_table_and_notes(reader: Reader) -> None:
    parsed = reader.read("talk.pptx", slides(talk))
    assert [(block.text, block.place) for block in parsed.blocks] == [
        (
            "Why cats\nThey purr.\nThey sleep.\nCat | Hours\nTom | 16\nNotes: Smile here.\n\n",
            {"slide": 1},
        ),
        ("Thanks\nQuestions?\n\n", {"slide": 2}),
    ]


# --- sheets -------------------------------------------------------------------------------------


def test_each_row_has_the_names_of_its_columns(reader: Reader) -> None:
    book = spreadsheet(Costs=COSTS, Empty=[], Numbers=[[1, 2.25], [], [3, 4]])
    parsed = reader.read("costs.xlsx", book)
    assert [(block.text, block.place) for block in parsed.blocks if block.text.strip()] == [
        ("Item | Price | When\n", {"sheet": "Costs", "row": 1}),
        ("Item: Pen | Price: 3.5 | When: 2026-01-02\n", {"sheet": "Costs", "row": 2}),
        ("Item: Ink | When: TRUE\n", {"sheet": "Costs", "row": 3}),
        ("1 | 2.25\n", {"sheet": "Numbers", "row": 1}),
        ("3 | 4\n", {"sheet": "Numbers", "row": 3}),
    ]


def test_a_sheet_that_claims_to_be_endless_ends(reader: Reader) -> None:
    book = spreadsheet(Costs=COSTS)
    sheet = part(book, "xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="3"', b'<row r="1048576"').replace(b'r="A3"', b'r="A1048576"')
    assert far != sheet
    parsed = reader.read("a.xlsx", changed(book, {"xl/worksheets/sheet1.xml": far}))
    assert "Item: Pen" in parsed.text


# --- harm and damage ----------------------------------------------------------------------------

MAKERS: list[tuple[str, str, Maker]] = [
    ("a.docx", "word/document.xml", lambda: word(report)),
    ("a.pptx", "ppt/presentation.xml", lambda: slides(talk)),
    ("a.xlsx", "xl/workbook.xml", lambda: spreadsheet(Costs=COSTS)),
]
kinds = pytest.mark.parametrize(
    ("name", "main", "make"), MAKERS, ids=[name for name, _, _ in MAKERS]
)
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">%s]><a>&j;</a>' % b"".join(
    b'<!ENTITY %c "%s">' % (b"abcdefghij"[at : at + 1], b"&%c;" % b"abcdefghij"[at - 1 : at] * 10)
    for at in range(1, 10)
)


@kinds
@pytest.mark.parametrize("xml", [LAUGHS, LAUGHS.decode().encode("utf-16")], ids=["utf8", "utf16"])
def test_xml_that_declares_entities_is_not_opened(
    reader: Reader, name: str, main: str, make: Maker, xml: bytes
) -> None:
    assert "declares entities" in str(reader.refused(name, changed(make(), {main: xml})))


@kinds
@pytest.mark.parametrize(
    "more",
    [{"big.xml": bytes(101 * 2**20)}, {"big.bin": bytes(40 * 2**20)}],
    ids=["large", "packed too well"],
)
def test_a_bomb_is_known_before_it_is_unpacked(
    reader: Reader, name: str, main: str, make: Maker, more: dict[str, bytes]
) -> None:
    assert "unpacked it would be" in str(reader.refused(name, changed(make(), more)))


@kinds
def test_very_many_parts_are_refused(reader: Reader, name: str, main: str, make: Maker) -> None:
    out = io.BytesIO(make())
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}", b"")
    assert "parts, more than" in str(reader.refused(name, out.getvalue()))


@kinds
@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:10],
        lambda data: b"Just text.",
        lambda data: b"",
        lambda data: changed(b"PK\5\6" + bytes(18), {"nothing.xml": b"<a/>"}),
    ],
    ids=["half", "beginning", "text", "empty", "other archive"],
)
def test_a_damaged_file_says_so(
    reader: Reader, name: str, main: str, make: Maker, harm: Any
) -> None:
    error = reader.refused(name, harm(make()))
    assert error.code == "invalid_file"
    assert "damaged" in str(error)


@kinds
def test_an_encrypted_file_says_so(reader: Reader, name: str, main: str, make: Maker) -> None:
    error = reader.refused(name, compound(encrypted=True))
    assert (error.code, "is encrypted" in str(error)) == ("invalid_file", True)
