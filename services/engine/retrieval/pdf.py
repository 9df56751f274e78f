"""PDF files: the text of each page. Only the parse worker imports this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from services.engine.retrieval.blocks import Block, Unreadable
from services.engine.retrieval.decoding import clean, read_bytes

_PASSWORD = 4  # FPDF_ERR_PASSWORD
_SECURITY = 5  # FPDF_ERR_SECURITY
# What PDFium makes of a hyphen at a line's end, with the line break.
_HYPHEN = re.compile("(\\w)[\ufffe\x02](?:\r?\n)?(?=(\\w?))")
_BLANK_ENDS = re.compile(r"[ \t]+(?=\n)")


def pdf_blocks(path: Path) -> Iterator[Block]:
    """A block a page. A page that cannot be read is left out, if others can.

    Raises ``Unreadable``.
    """
    if b"%PDF-" not in read_bytes(path, 1024):
        raise Unreadable("This is no PDF file.")
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise Unreadable(
                "The PDF is encrypted and needs a password; save it without one."
            ) from None
        raise Unreadable("The PDF is damaged: it cannot be opened.") from None
    with document:
        number = len(document)
        if not number:
            raise Unreadable("The PDF has no pages.")
        broken = empty = 0
        for index in range(number):
            try:
                text = _page(document, index)
            except pypdfium2.PdfiumError:
                broken += 1
                continue
            if text:
                yield Block(f"{text}\n\n", {"page": index + 1})
            else:
                empty += 1
                # Nothing to read, but a sign that the work goes on.
                yield Block("")
        if broken == number:
            raise Unreadable("The PDF is damaged: none of its pages can be read.")
        if broken + empty == number:
            raise Unreadable(
                "The PDF holds no text: its pages are empty, or images such as a scanner makes. "
                "Have their text recognised (OCR) first.",
                "unsupported_file",
            )


def _page(document: pypdfium2.PdfDocument, index: int) -> str:
    page = document[index]
    try:
        text_page = page.get_textpage()
        try:
            text: str = text_page.get_text_range()
        finally:
            text_page.close()
    finally:
        page.close()
    text = _HYPHEN.sub(_joined, text).replace("\r\n", "\n").replace("\r", "\n")
    return _BLANK_ENDS.sub("", clean(text)).strip()


def _joined(found: re.Match[str]) -> str:
    """A word that a line's end parted is one again; before a capital or digit, the hyphen stays."""
    return found[1] if found[2].islower() else f"{found[1]}-"
