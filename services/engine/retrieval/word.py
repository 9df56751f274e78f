"""Word documents: paragraphs, lists, tables and notes under their headings.

The text is taken from the document's XML and not from python-docx's paragraphs, which leave out
what stands in content controls, text boxes and tracked insertions. Only the parse worker imports
this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import docx
from docx.oxml.parser import parse_xml

from services.engine.retrieval.blocks import Block, Outline, Unreadable, table_row
from services.engine.retrieval.decoding import clean
from services.engine.retrieval.office import check_archive

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TABLE, _ROW, _CELL, _TEXT = (f"{_W}{name}" for name in ("p", "tbl", "tr", "tc", "t"))
_PROPERTIES, _VALUE, _ID = f"{_W}pPr", f"{_W}val", f"{_W}id"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_NOTES = {f"{_W}footnoteReference": "footnotes", f"{_W}endnoteReference": "endnotes"}
_HEADING = re.compile(r"heading (\d)")
# Moved away or deleted, with the author's change still to be accepted.
_GONE = (f"{_W}del", f"{_W}moveFrom", _FALLBACK)

Notes = Mapping[tuple[str, str], str]


def word_blocks(path: Path) -> Iterator[Block]:
    """A block a paragraph or table row. Raises ``Unreadable``."""
    check_archive(path, "Word document", "docx")
    try:
        document = docx.Document(str(path))
    except (KeyError, ValueError):
        raise Unreadable("The Word document is damaged, or the file is none.") from None
    body = document.element.body
    for name in _GONE:
        for element in list(body.iter(name)):
            element.getparent().remove(element)
    styles = document.styles.element
    levels, lists = _of_styles(styles, _heading_level), _of_styles(styles, _is_listed)
    notes = {**_notes(document.part, "footnotes"), **_notes(document.part, "endnotes")}
    outline = Outline()
    for element in _parts(body):
        if element.tag == _TABLE:
            for row in _rows(element):
                yield Block(f"{row}\n", outline.place)
            yield Block("\n", outline.place)
            continue
        text = _text(element, notes)
        if not text:
            continue
        style = element.find(f"{_PROPERTIES}/{_W}pStyle")
        named = style.get(_VALUE, "") if style is not None else ""
        level = _outline_level(element) or levels.get(named, 0)
        if level:
            outline.enter(level, text)
        item = not level and (_is_listed(element) or named in lists)
        yield Block(f"- {text}\n" if item else f"{text}\n\n", outline.place)


def _parts(body: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, also those within content controls and the like."""
    waiting = list(reversed(body))
    while waiting:
        element = waiting.pop()
        if element.tag in (_PARAGRAPH, _TABLE):
            yield element
        else:
            waiting.extend(reversed(element))


def _text(paragraph: Any, notes: Notes) -> str:
    """What the paragraph says; its notes follow it, each on a line of its own."""
    parts: list[str] = []
    below: list[str] = []
    for element in paragraph.iter():
        tag = element.tag
        if tag == _TEXT:
            parts.append(element.text or "")
        elif tag in _BREAKS and element.getparent().tag == f"{_W}r":
            parts.append(_BREAKS[tag])
        elif tag == _PARAGRAPH and element is not paragraph:
            parts.append("\n")  # a text box within the paragraph
        elif tag in _NOTES and (note := notes.get((_NOTES[tag], element.get(_ID, "")))):
            below.append(note)
            parts.append(f"[{len(below)}]")
    text = clean("".join(parts)).strip()
    said = [f"[{number}] {note}" for number, note in enumerate(below, start=1)]
    return "\n".join([text, *said]) if text or said else ""


def _rows(table: Any) -> Iterator[str]:
    """A table's rows; a table within a cell is part of the cell's text."""
    for row in table.iter(_ROW):
        if next(row.iterancestors(_TABLE)) is not table:
            continue
        cells = [
            " ".join(_text(each, {}) for each in cell.iter(_PARAGRAPH))
            for cell in row.iter(_CELL)
            if next(cell.iterancestors(_ROW)) is row
        ]
        if said := table_row(cells):
            yield said


Value = TypeVar("Value")


def _of_styles(styles: Any, of: Callable[[Any], Value | None]) -> dict[str, Value]:
    """What each style has of something, itself or from the style that it is based on."""
    own: dict[str, Value] = {}
    based: dict[str, str] = {}
    for style in styles.iter(f"{_W}style"):
        style_id = style.get(f"{_W}styleId", "")
        base = style.find(f"{_W}basedOn")
        if base is not None:
            based[style_id] = base.get(_VALUE, "")
        if value := of(style):
            own[style_id] = value
    for style_id in based:
        seen, at = {style_id}, style_id
        while at not in own and (at := based.get(at, "")) and at not in seen:
            seen.add(at)
        if at in own:
            own[style_id] = own[at]
    return own


def _heading_level(style: Any) -> int | None:
    name = style.find(f"{_W}name")
    called = (name.get(_VALUE, "") if name is not None else "").lower()
    if found := _HEADING.fullmatch(called):
        return int(found[1]) + 1
    return 1 if called == "title" else _outline_level(style)


def _outline_level(element: Any) -> int | None:
    found = element.find(f"{_PROPERTIES}/{_W}outlineLvl")
    value = found.get(_VALUE, "") if found is not None else ""
    return int(value) + 2 if value.isdecimal() and int(value) < 9 else None


def _is_listed(element: Any) -> bool:
    return element.find(f"{_PROPERTIES}/{_W}numPr") is not None


def _notes(part: Any, kind: str) -> dict[tuple[str, str], str]:
    for relation in part.rels.values():
        if relation.reltype.endswith(f"/{kind}") and not relation.is_external:
            root = parse_xml(relation.target_part.blob)
            return {
                (kind, note.get(_ID, "")): " ".join(
                    text for each in note.iter(_PARAGRAPH) if (text := _text(each, {}))
                )
                for note in root
            }
    return {}
