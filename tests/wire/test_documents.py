"""Documents of every kind, from the upload to the passage that names its page."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from openai.types.vector_stores import VectorStoreFile

from tests.documents import changed, compound, pdf, slide, slides, word
from tests.unit.test_parse_office import LAUGHS
from tests.waiting import until
from tests.wire.conftest import Wire, open_wire
from tests.wire.scripted import says
from tests.wire.test_file_search import asks, ran, searching, told
from tests.wire.test_vector_stores import stored


def chapter(document: Any) -> None:
    document.add_heading("Findings", 1)
    document.add_paragraph("Nothing to see here.")
    document.add_heading("Revenue", 2)
    for number in range(60):
        document.add_paragraph(f"Filler sentence number {number} of the chapter on money.")
    document.add_paragraph("Zebra sales doubled in spring.")


def talk(presentation: Any) -> None:
    slide(presentation, "Welcome", "Hello everybody.")
    slide(presentation, "Forecast", "Zebra sales double.", notes="Pause.")


PAGES = [[f"Line {number} of page {page}." for number in range(50)] for page in range(1, 6)]
PAGES[2][0] = "Zebra sales doubled in spring."
SMALL = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}}


async def indexed(wire: Wire, name: str, data: bytes, **fields: Any) -> tuple[str, VectorStoreFile]:
    """The store, and the file in it once it is settled."""
    file = await stored(wire, name, data)
    store = await wire.client.vector_stores.create()
    entry = await wire.client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, poll_interval_ms=10, **fields
    )
    return store.id, entry


@pytest.mark.parametrize(
    ("name", "data", "where"),
    [
        ("report.pdf", pdf(*PAGES), "report.pdf, pages 2 to 3"),
        ("report.docx", word(chapter), "report.docx, section Findings > Revenue"),
        ("talk.pptx", slides(talk), "talk.pptx"),
        ("page.html", b"<h1>Zoo</h1><p>Zebra sales doubled.</p>", "page.html, section Zoo"),
        ("notes.md", b"# Zoo\n\nZebra sales doubled.", "notes.md, section Zoo"),
        ("code.py", b"# filler words\n" * 200 + b"zebra = sales()\n", "code.py, line"),
        ("old.txt", "Größe: Zebra sales doubled.".encode("latin-1"), "old.txt"),
    ],
    ids=lambda value: value if isinstance(value, str) and "," not in value else "",
)
async def test_the_model_is_told_where_a_passage_stands(
    tmp_path: Path, name: str, data: bytes, where: str
) -> None:
    async with open_wire(tmp_path, asks("zebra sales"), says("They doubled.")) as wire:
        _, entry = await indexed(wire, name, data, chunking_strategy=SMALL)
        assert (entry.status, entry.last_error) == ("completed", None)
        store = (await wire.client.vector_stores.list()).data[0]
        assistant = await wire.assistant(
            tools=[{"type": "file_search"}],
            tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        )
        await ran(wire, assistant.id, (await wire.thread("How are zebras?")).id)
        assert told(wire.model.requests[-1]).startswith(f"【0:0†source】 {where}")


async def test_a_pdf_is_found_and_its_content_is_its_text(wire: Wire) -> None:
    store_id, entry = await indexed(wire, "report.pdf", pdf(*PAGES))
    found = await wire.client.vector_stores.search(store_id, query="zebra")
    assert [each.filename for each in found.data] == ["report.pdf"] * len(found.data)
    assert "Zebra sales doubled" in found.data[0].content[0].text
    page = await wire.client.vector_stores.files.content(entry.id, vector_store_id=store_id)
    assert "Line 49 of page 5." in (page.data[-1].text or "")
    assert entry.usage_bytes == len(pdf(*PAGES)) + 1024 * len(page.data)


async def test_the_same_bytes_and_settings_give_the_same_pieces(wire: Wire) -> None:
    texts = []
    for _ in range(2):
        store_id, entry = await indexed(wire, "report.docx", word(chapter), chunking_strategy=SMALL)
        page = await wire.client.vector_stores.files.content(entry.id, vector_store_id=store_id)
        texts.append([part.text for part in page.data])
    assert texts[0] == texts[1]
    assert len(texts[0]) > 5


@pytest.mark.parametrize(
    ("name", "data", "code", "said"),
    [
        ("a.pdf", pdf(["Secret."], encrypt=True), "invalid_file", "needs a password"),
        ("a.pdf", pdf([], []), "unsupported_file", "holds no text"),
        ("a.pdf", pdf(["x"])[:300], "invalid_file", "damaged"),
        ("a.docx", b"Just text.", "invalid_file", "damaged"),
        ("a.docx", changed(word(chapter), {"b": bytes(40 * 2**20)}), "invalid_file", "unpacked"),
        (
            "a.docx",
            changed(word(chapter), {"word/document.xml": LAUGHS}),
            "invalid_file",
            "declares entities",
        ),
        ("a.docx", changed(word(chapter), {"word/document.xml": b"<"}), "invalid_file", "damaged"),
        ("a.doc", compound(encrypted=False), "unsupported_file", "save the Word document as .docx"),
        ("a.pptx", compound(encrypted=True), "invalid_file", "encrypted"),
        ("a.txt", b"\x89PNG\0\0\0\0", "unsupported_file", "binary data"),
        ("a.txt", b"word " * 6_500_000, "invalid_file", "Split it into smaller files."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_read_fails_with_its_reason(
    wire: Wire, name: str, data: bytes, code: str, said: str
) -> None:
    store_id, entry = await indexed(wire, name, data)
    assert entry.last_error is not None
    assert (entry.status, entry.last_error.code) == ("failed", code)
    assert said in entry.last_error.message
    assert entry.last_error.message.endswith(".")
    assert (await wire.client.vector_stores.retrieve(store_id)).file_counts.failed == 1


async def test_a_crash_of_the_worker_fails_one_file_and_not_the_engine(wire: Wire) -> None:
    parser = wire.engine.indexer._parser
    await indexed(wire, "first.pdf", pdf(*PAGES))
    long = await stored(wire, "long.txt", b"Some words of a long text. " * 600_000)
    store = await wire.client.vector_stores.create(file_ids=[long.id])
    await until(lambda: parser._turn.locked())
    assert parser.process_id is not None
    os.kill(parser.process_id, signal.SIGSEGV)
    entry = await wire.client.vector_stores.files.poll(
        long.id, vector_store_id=store.id, poll_interval_ms=10
    )
    assert entry.last_error is not None
    assert "crash" in entry.last_error.message
    _, entry = await indexed(wire, "second.pdf", pdf(*PAGES))
    assert entry.status == "completed"


async def test_closing_the_engine_does_not_fail_the_file_that_is_being_read(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as first:
        file = await stored(first, "long.txt", b"Some words of a long text. " * 100_000)
        store = await first.client.vector_stores.create(file_ids=[file.id])
        worker = await until(lambda: first.engine.indexer._parser.process_id)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    async with open_wire(tmp_path) as second:
        entry = await second.client.vector_stores.files.poll(
            file.id, vector_store_id=store.id, poll_interval_ms=10
        )
        assert entry.status == "completed"


async def test_others_are_answered_while_a_large_file_is_read(wire: Wire) -> None:
    file = await stored(wire, "long.txt", b"Some words of a long text. " * 400_000)
    store = await wire.client.vector_stores.create(file_ids=[file.id])
    await until(lambda: wire.engine.indexer._parser.process_id)
    async with asyncio.timeout(5):
        await wire.thread("Hello")
    entry = await wire.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert entry.status == "in_progress"
    # Nothing of it is found before all of it is.
    found = await wire.client.vector_stores.search(store.id, query="words")
    assert found.data == []


async def test_an_assistants_pdf_is_searched_in_a_run(tmp_path: Path) -> None:
    async with open_wire(tmp_path, asks("zebra sales"), says("Twice 【0:0†source】.")) as wire:
        assistant_id, thread_id = await searching(wire, ("report.pdf", pdf(*PAGES)))
        run = await ran(wire, assistant_id, thread_id)
        assert run.status == "completed"
        message = (await wire.client.beta.threads.messages.list(thread_id, limit=1)).data[0]
        assert message.content[0].type == "text"
        (annotation,) = message.content[0].text.annotations
        assert annotation.type == "file_citation"
