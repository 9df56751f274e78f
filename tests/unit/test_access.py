"""The access log holds its lines for a moment and writes them together."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from services.engine import access
from services.engine.access import AccessLog
from tests.waiting import until


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    handler = Kept()
    log = logging.getLogger("understudy.access")
    monkeypatch.setattr(log, "handlers", [handler])
    monkeypatch.setattr(log, "level", logging.INFO)
    monkeypatch.setattr(log, "propagate", False)
    log.manager._clear_cache()  # type: ignore[attr-defined]  # or an older level counts
    return handler


async def request(log: AccessLog, path: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": path, "client": ("10.0.0.1", 1)}
    await log(scope, receive, send)


async def answered(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"x-request-id", b"req_1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def test_lines_are_written_together(kept: Kept) -> None:
    log = AccessLog(answered)
    for path in ("/a", "/b"):
        await request(log, path)
    assert kept.records == []
    log.write()
    (record,) = kept.records
    first, second = record.splitlines()
    assert "10.0.0.1 GET /a 200 " in first
    assert second.endswith(" ms req_1")


async def test_lines_do_not_wait_for_the_end(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "HELD_SECONDS", 0.0)
    await request(AccessLog(answered), "/a")
    await until(lambda: len(kept.records) == 1)


async def test_what_a_client_writes_stays_on_its_line(kept: Kept) -> None:
    log = AccessLog(answered)
    await request(log, "/a b\nc\x1b\\é")
    log.write()
    assert " GET /a%20b\\nc\\x1b\\\\\\xe9 200 " in kept.records[0]
