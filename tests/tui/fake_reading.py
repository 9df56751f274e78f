"""Sources, pictures and saved files without a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.local.saving import Saving
from services.pictures import Pictures, scaled
from services.records import Passage, Picture, ServiceError

__all__ = ["FakePictures", "FakeSources", "Saving"]


@dataclass
class FakeSources:
    """Knows the names and passages that a test put in."""

    names: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    found: tuple[Passage, ...] = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)
    error: ServiceError | None = None

    def learn(self, file_id: str, name: str) -> None:
        self.names[file_id] = name

    def known_name(self, file_id: str) -> str | None:
        return self.names.get(file_id)

    async def name(self, file_id: str) -> str:
        self.asked.append((file_id,))
        self.names[file_id] = self.answers.get(file_id, file_id)
        return self.names[file_id]

    async def passages(
        self, thread_id: str, run_id: str, file_id: str, marker: str
    ) -> tuple[Passage, ...]:
        self.asked.append((thread_id, run_id, file_id, marker))
        if self.error is not None:
            raise self.error
        return self.found


@dataclass
class FakePictures:
    """Images by the id of their file, decoded as they are in the app."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    async def content(self, file_id: str) -> bytes:
        if file_id not in self.files:
            raise ServiceError("Could not fetch the image: it is gone.", status=404)
        return self.files[file_id]

    async def drawn(self, file_id: str, columns: int, rows: int) -> Picture:
        self.asked.append((file_id, columns, rows))
        return scaled(await self.content(file_id), columns, rows)

    file_name = staticmethod(Pictures.file_name)
