"""Presentations: the text, tables and notes of each slide. Only the parse worker imports this."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.exc import PackageNotFoundError

from services.engine.retrieval.blocks import Block, Unreadable, table_row
from services.engine.retrieval.decoding import clean
from services.engine.retrieval.office import check_archive


def slide_blocks(path: Path) -> Iterator[Block]:
    """A block a slide. Raises ``Unreadable``."""
    check_archive(path, "presentation", "pptx")
    try:
        presentation = pptx.Presentation(str(path))
    except (KeyError, ValueError, PackageNotFoundError):
        raise Unreadable("The presentation is damaged, or the file is none.") from None
    for number, slide in enumerate(presentation.slides, start=1):
        parts = [text for shape in _shapes(slide.shapes) for text in _texts(shape)]
        if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
            notes = _said(frame)
            if notes:
                parts.append(f"Notes: {notes}")
        text = clean("\n".join(parts)).strip()
        yield Block(f"{text}\n\n" if text else "", {"slide": number})


def _shapes(shapes: Any) -> Iterator[Any]:
    """Every shape in order, those of groups in their group's place."""
    waiting = list(reversed(list(shapes)))
    while waiting:
        shape = waiting.pop()
        if hasattr(shape, "shapes"):
            waiting.extend(reversed(list(shape.shapes)))
        else:
            yield shape


def _texts(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        for row in shape.table.rows:
            if said := table_row(cell.text for cell in row.cells):
                yield said
    elif shape.has_text_frame and (said := _said(shape.text_frame)):
        yield said
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)


def _chart(chart: Any) -> Iterator[str]:
    """A chart as the table that it draws."""
    if chart.has_title and (title := _said(chart.chart_title.text_frame)):
        yield title
    for plot in chart.plots:
        names = [str(name) for name in plot.categories]
        if names:
            yield table_row(["", *names])
        for series in plot.series:
            values = ["" if value is None else f"{value:g}" for value in series.values]
            if said := table_row([str(series.name), *values]):
                yield said


def _said(frame: Any) -> str:
    # A vertical tab is a line break within a paragraph.
    lines = (paragraph.text.replace("\v", "\n").strip() for paragraph in frame.paragraphs)
    return "\n".join(line for line in lines if line)
