"""Documents of every kind, made on the spot: good ones, broken ones, and some that mean harm."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import docx
import openpyxl
import pptx
from pptx.util import Inches

Maker = Callable[[], bytes]
_FONT = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


def pdf(*pages: Sequence[str], encrypt: bool = False) -> bytes:
    """A PDF with these lines on its pages."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(len(pages)))
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
    ]
    for number, lines in enumerate(pages):
        shown = b"".join(b"(%s) Tj T* " % line.encode("latin-1") for line in lines)
        content = b"BT /F1 12 Tf 72 720 Td 14 TL " + shown + b"ET"
        parts.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources %s "
            b"/Contents %d 0 R >>" % (_FONT, 4 + 2 * number)
        )
        parts.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return pdf_of(parts, encrypt=encrypt)


def pdf_of(parts: Sequence[bytes], *, encrypt: bool = False) -> bytes:
    """A PDF of these objects, the first of them its catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, part in enumerate(parts, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    begin = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    lock = b""
    if encrypt:
        keys = b"/O <%s> /U <%s>" % (b"11" * 32, b"22" * 32)
        lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 %s >> /ID [<00><00>]" % keys
    out += b"trailer << /Size %d /Root 1 0 R %s >>\n" % (len(parts) + 1, lock)
    return bytes(out + b"startxref\n%d\n%%%%EOF" % begin)


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def word(make: Callable[[Any], object]) -> bytes:
    document = docx.Document()
    make(document)
    return saved(document)


def slides(make: Callable[[Any], object]) -> bytes:
    presentation = pptx.Presentation()
    make(presentation)
    return saved(presentation)


def slide(presentation: Any, title: str, text: str, notes: str = "") -> Any:
    made = presentation.slides.add_slide(presentation.slide_layouts[1])
    made.shapes.title.text = title
    made.placeholders[1].text = text
    if notes:
        made.notes_slide.notes_text_frame.text = notes
    return made


def slide_table(made: Any, rows: Sequence[Sequence[str]]) -> None:
    size = (Inches(1), Inches(3), Inches(6), Inches(1))
    table = made.shapes.add_table(len(rows), len(rows[0]), *size).table
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(at, column).text = text


def spreadsheet(**sheets: Iterable[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def changed(archive: bytes, entries: dict[str, bytes]) -> bytes:
    """An Office file with these parts in the place of its own, or added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name not in entries:
                target.writestr(name, source.read(name))
        for name, data in entries.items():
            target.writestr(name, data)
    return out.getvalue()


def part(archive: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        return source.read(name)


def compound(*, encrypted: bool) -> bytes:
    """What begins as a file of the Office formats before 2007."""
    name = "EncryptedPackage" if encrypted else "WordDocument"
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000) + name.encode("utf-16-le") + bytes(500)
