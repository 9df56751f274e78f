"""Files that are text already: their sections, rows and lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from services.engine.retrieval.blocks import Block, Outline, Unreadable, table_row

# What the hosted API searched.
SEARCHABLE = frozenset(
    {
        *("c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md"),
        *("pdf", "php", "pptx", "py", "rb", "sh", "tex", "ts", "txt"),
    }
)
DELIMITERS = ",;\t|"
_SAMPLE_LINES = 20
_LONGEST_FIELD = 1_000_000
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+([^\n]{1,400})")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*\n?$")
_TEX = re.compile(
    r"\s{0,40}\\(part|chapter|section|subsection|subsubsection)\*?\{([^}\n]{1,400})\}"
)
_TEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection")


def extension(filename: str) -> str | None:
    """The lower-case extension without its dot, None for a name without one."""
    return filename.rpartition(".")[2].lower() if "." in filename else None


def text_blocks(text: str, ending: str | None) -> Iterator[Block]:
    """The text as it is, all of it, in the sections that its kind of file has."""
    if ending in ("md", "markdown"):
        yield from _sections(text, _markdown_headings(text))
    elif ending == "tex":
        yield from _sections(text, _tex_headings(text))
    elif ending in ("csv", "tsv"):
        yield from _rows(text)
    else:
        yield Block(text, {"line": 1})


Heading = tuple[int, int, int, str]
"""Its offset and line, its level, its title."""


def _sections(text: str, headings: Iterator[Heading]) -> Iterator[Block]:
    outline = Outline()
    begin, line = 0, 1
    for at, number, level, title in headings:
        if at > begin:
            yield Block(text[begin:at], {**(outline.place or {}), "line": line})
        outline.enter(level, title)
        begin, line = at, number
    yield Block(text[begin:], {**(outline.place or {}), "line": line})


def _markdown_headings(text: str) -> Iterator[Heading]:
    at, before, before_at = 0, "", 0
    fence = ""
    for number, line in enumerate(_lines(text), start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" \t\r\n`~"):
                fence = ""
            before = ""
        elif mark:
            fence, before = mark[1], ""
        elif found := _HEADING.match(line):
            yield at, number, len(found[1]), found[2].rstrip().rstrip("#")
            before = ""
        elif before and (found := _UNDERLINE.match(line)):
            yield before_at, number - 1, 1 if found[1][0] == "=" else 2, before
            before = ""
        else:
            # Only a line of words has a heading's underline; a list's or table's does not.
            before, before_at = (line.strip() if line[:1].isalnum() else ""), at
        at += len(line)


def _tex_headings(text: str) -> Iterator[Heading]:
    at = 0
    for number, line in enumerate(_lines(text), start=1):
        if found := _TEX.match(line):
            yield at, number, _TEX_LEVELS.index(found[1]) + 1, found[2]
        at += len(line)


def _lines(text: str) -> Iterator[str]:
    """Every line with its end; only ``\\n`` ends one, as everywhere that lines are counted."""
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin : end + 1]
        begin = end + 1
    if begin < len(text):
        yield text[begin:]


def _rows(text: str) -> Iterator[Block]:
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(_lines(text), delimiter=_delimiter(text))
    header: list[str] | None = None
    try:
        for row in rows:
            number = rows.line_num
            if header is None and is_header(row):
                header = row
                said = table_row(row)
            else:
                said = named_row(header, row)
            if said:
                yield Block(f"{said}\n", {"row": number})
    except csv.Error as error:
        raise Unreadable(f"The table cannot be read: line {rows.line_num}, {error}.") from None


def _delimiter(text: str) -> str:
    """The one that most of the first lines have equally often."""
    lines = [line for line, _ in zip(_lines(text), range(_SAMPLE_LINES), strict=False)]

    def fitting(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines if line.strip()]
        common = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(common) if common else 0, common)

    return max(DELIMITERS, key=fitting)


def is_header(row: list[str]) -> bool:
    """Whether a table's row can be the names of its columns."""
    cells = [cell.strip() for cell in row]
    filled = [cell for cell in cells if cell]
    return (
        len(filled) >= 2
        and len(set(filled)) == len(filled)
        and not any(re.fullmatch(r"[-+]?[\d.,%\s]+", cell) for cell in filled)
    )


def named_row(header: list[str] | None, row: list[str]) -> str:
    """A row with the names of its columns, empty cells left out; "" when all are."""
    if header is None:
        return table_row(row)
    names = header + [""] * (len(row) - len(header))
    filled = [(name, cell) for name, cell in zip(names, row, strict=False) if cell.strip()]
    return table_row(f"{name.strip()}: {cell}" if name.strip() else cell for name, cell in filled)
