"""Keeps what the endpoint was asked, for whoever wants to see exactly what a model was told.

Written in the background: no answer waits for it, and one that cannot be written is only missed
here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from services.engine.ids import new_id
from services.engine.models.base import ModelUsage
from services.engine.runs.usage import usage_object
from services.engine.store import model_requests
from services.engine.store.database import Database

log = logging.getLogger(__name__)

# Pictures are in a request as long texts that tell a reader nothing.
LONGEST_URL = 200
LARGEST_BODY = 2 * 1024 * 1024
CLOSE_SECONDS = 2.0


class RequestLog:
    """``note`` a call of the model; ``close`` waits for what is still to be written."""

    def __init__(self, database: Database, endpoint: str):
        self._database = database
        self._endpoint = endpoint
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, run_id: str, model: str) -> RequestNote:
        return RequestNote(self, run_id, model)

    def write(self, rows: list[dict[str, Any]]) -> None:
        task = asyncio.create_task(self._write(rows))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        if self._writing:
            await asyncio.wait(self._writing, timeout=CLOSE_SECONDS)

    async def _write(self, rows: list[dict[str, Any]]) -> None:
        try:
            for row in rows:
                row["body"] = await asyncio.to_thread(_bounded, row["body"])
                row["endpoint"] = self._endpoint
            async with self._database.write(durable=False) as connection:
                for row in rows:
                    await model_requests.add(connection, row)
        except Exception:
            log.exception("a request to the model could not be kept; its run goes on")


class RequestNote:
    """One call of the model, which may take several requests until one is answered."""

    def __init__(self, owner: RequestLog, run_id: str, model: str):
        self._owner = owner
        self._run_id = run_id
        self._model = model
        self._sent: list[tuple[float, Mapping[str, Any]]] = []

    def sent(self, body: Mapping[str, Any]) -> None:
        self._sent.append((time.time(), body))

    def close(self, usage: ModelUsage | None) -> None:
        """The call is over; ``usage`` is what it came to, None if it failed."""
        if not self._sent:
            return
        now = time.time()
        ends = [at for at, _ in self._sent[1:]] + [now]
        rows = [
            {
                "id": new_id("req"),
                "run_id": self._run_id,
                "created_at": int(at),
                "model": self._model,
                "body": body,
                "usage": None,
                "seconds": round(end - at, 3),
            }
            for (at, body), end in zip(self._sent, ends, strict=True)
        ]
        if usage is not None:
            rows[-1]["usage"] = usage_object(usage)
        self._sent = []
        self._owner.write(rows)


def _bounded(body: Mapping[str, Any]) -> Any:
    """The body with its pictures cut short, and without its middle if it is very large."""
    short: dict[str, Any] = _without_pictures(dict(body))
    for name in ("messages", "input"):
        said = short.get(name)
        while isinstance(said, list) and len(said) > 2 and _size(short) > LARGEST_BODY:
            left_out = len(said) // 2
            begin = (len(said) - left_out) // 2
            note = {"left_out": f"{left_out} entries, too large to keep"}
            said = [*said[:begin], note, *said[begin + left_out :]]
            short[name] = said
    if _size(short) > LARGEST_BODY:
        return {"model": short.get("model"), "left_out": "the request is too large to keep"}
    return short


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str))


def _without_pictures(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_pictures(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_pictures(each) for each in value]
    if isinstance(value, str) and len(value) > LONGEST_URL and value.startswith("data:"):
        return f"{value[:60]}… ({len(value):,} characters)"
    return value
