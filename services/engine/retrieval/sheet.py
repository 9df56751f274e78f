"""Spreadsheets: every row with the names of its columns. Only the parse worker imports this."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from services.engine.retrieval.blocks import Block, Unreadable
from services.engine.retrieval.decoding import clean
from services.engine.retrieval.office import check_archive
from services.engine.retrieval.plain_text import is_header, named_row

# A sheet's own limits; what says it has more is made to be endless.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
_ALIVE = 1_000
# Many programs save a sheet with formats, but no values, down to its end.
MOST_EMPTY = 20_000


def sheet_blocks(path: Path) -> Iterator[Block]:
    """A block a row that holds something. Raises ``Unreadable``."""
    check_archive(path, "spreadsheet", "xlsx")
    # A file and not its name: openpyxl goes by the name's ending.
    with path.open("rb") as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except (KeyError, ValueError, OSError, InvalidFileException):
            raise Unreadable("The spreadsheet is damaged, or the file is none.") from None
        for sheet in book.worksheets:
            yield from _rows(sheet)


def _rows(sheet: Any) -> Iterator[Block]:
    # What a file says of its own size need not be true, and rows are padded to it.
    sheet.reset_dimensions()
    header: list[str] | None = None
    empty = last = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = [_said(value) for value in values[:MOST_COLUMNS]]
        if header is None and is_header(row):
            header, said = row, named_row(None, row)
        else:
            said = named_row(header, row)
        if said:
            empty, last = 0, number
            yield Block(f"{clean(said)}\n", {"sheet": sheet.title, "row": number})
        else:
            empty += 1
            if not empty % _ALIVE:
                yield Block("")
        if number >= MOST_ROWS or empty >= MOST_EMPTY:
            break
    if last:
        yield Block("\n", {"sheet": sheet.title, "row": last})


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    return str(value)
