"""What the tests of parsing share."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.engine.retrieval.blocks import Parsed, Unreadable
from services.engine.retrieval.reading import read_any


class Reader:
    """Reads documents as the worker does, in this process."""

    def __init__(self, folder: Path):
        self._folder = folder

    def path(self, data: bytes) -> Path:
        """As the engine stores a file: its name tells nothing."""
        path = self._folder / "file-1"
        path.write_bytes(data)
        return path

    def read(self, name: str, data: bytes, most: int = 10_000_000) -> Parsed:
        return read_any(self.path(data), name, most=most)

    def text(self, name: str, data: bytes) -> str:
        return self.read(name, data).text

    def refused(self, name: str, data: bytes) -> Unreadable:
        with pytest.raises(Unreadable) as caught:
            self.read(name, data)
        assert str(caught.value).endswith(".")
        return caught.value


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)
