"""The libraries that open strangers' files are imported in the parse worker alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.documents import pdf, word
from tests.unit.test_borders import ALL, ENGINE, ROOT, begins, loaded_by

LIBRARIES = (
    *("pypdfium2", "docx", "pptx", "openpyxl", "selectolax", "charset_normalizer", "lxml"),
)
RETRIEVAL = "services.engine.retrieval"
FORMATS = tuple(f"{RETRIEVAL}.{name}" for name in ("pdf", "word", "slides", "sheet", "html"))
# Imports its library only where an encoding has to be guessed, which is in the worker.
LATE = (f"{RETRIEVAL}.decoding",)


def test_only_the_files_of_formats_know_the_libraries() -> None:
    users = {(each.module, each.at_start) for each in ALL if begins(each.names, *LIBRARIES)}
    assert users == {*((name, True) for name in FORMATS), *((name, False) for name in LATE)}


def test_the_files_of_formats_are_imported_late() -> None:
    wrong = [str(each) for each in ALL if each.at_start and begins(each.names, *FORMATS)]
    assert wrong == []


def test_the_worker_does_not_know_the_store_or_the_web() -> None:
    worker = f"{RETRIEVAL}.parse_worker"
    late = {each.names for each in ENGINE if each.module == worker}
    reached = set().union(
        *(loaded_by(name) for name in (*late, *FORMATS) if begins(name, RETRIEVAL))
    )
    strange = ("sqlalchemy", "starlette", "pydantic", "services.engine.store", "asyncio", "socket")
    wrong = [
        str(each)
        for each in ENGINE
        if each.module in reached and each.at_start and begins(each.names, *strange)
    ]
    assert wrong == []


INDEXING = """
import asyncio, sys
from pathlib import Path
from services.engine.app import create_app
from services.engine.retrieval.parsing import Parser

async def main():
    parser = Parser()
    for name in ("a.pdf", "b.docx", "c.txt"):
        assert "Cats" in (await parser.parse(Path(sys.argv[1], name), name)).text
    await parser.close()

asyncio.run(main())
print("loaded:", *(name for name in sys.argv[2].split(",") if name in sys.modules))
"""


def test_the_engine_loads_none_of_them_while_it_reads(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(["Cats purr."]))
    (tmp_path / "b.docx").write_bytes(word(lambda it: it.add_paragraph("Cats purr.")))
    (tmp_path / "c.txt").write_bytes("Cats schnurren schön laut.".encode("latin-1"))
    done = subprocess.run(
        [sys.executable, "-c", INDEXING, str(tmp_path), ",".join(LIBRARIES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("loaded:", "")
