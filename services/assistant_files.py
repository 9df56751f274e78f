"""Assistants in files: out as the JSON that the wire has, in from what the hosted API gave."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.assistants import Assistants
from services.records import Assistant, ImportReport, ServiceError

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read."""
MOST = 1000
"""Assistants of one file."""
FIELDS = (
    "model",
    "name",
    "description",
    "instructions",
    "tools",
    "tool_resources",
    "metadata",
    "temperature",
    "top_p",
    "reasoning_effort",
    "response_format",
)
"""What makes an assistant on the wire."""
_SERVERS_OWN = frozenset({"id", "object", "created_at"})
_TOOLS = frozenset({"function", "file_search", "code_interpreter"})


class AssistantFiles:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, assistants: Assistants):
        self._assistants = assistants

    async def write_out(self, assistant_id: str, folder: Path) -> Path:
        """One assistant as JSON into ``folder``, under a name that no file has. The file."""
        read = await self._assistants.whole(assistant_id)
        name = slug(str(read.get("name") or "")) or slug(assistant_id) or "assistant"
        return await asyncio.to_thread(_write_new, folder, f"{name}.assistant", read)

    async def write_out_all(self, folder: Path) -> Path:
        """All assistants as one list object, as the wire lists them. The file."""
        found = await self._assistants.all_whole()
        listed = {"object": "list", "data": [*found], "has_more": False}
        return await asyncio.to_thread(_write_new, folder, "assistants", listed)

    async def bring_in(self, path: Path) -> ImportReport:
        """Makes every assistant of a file: an object, a list, a page of the API, or JSON Lines.

        What the file does not fit in is said in the report; one that fails does not stop the next.
        """
        found = await asyncio.to_thread(read_file, path)
        made: list[Assistant] = []
        notes: list[str] = []
        failures: list[str] = []
        for number, fields in enumerate(found, 1):
            body, said = creation(fields)
            title = str(body.get("name") or body.get("model") or f"Assistant {number}")
            try:
                assistant, without = await self._make(body)
            except ServiceError as error:
                failures.append(f"{title} was not made. {error.sentence}")
                continue
            made.append(assistant)
            notes += [f"{title}: {sentence}" for sentence in (*said, *without)]
        return ImportReport(tuple(made), tuple(notes), tuple(failures))

    async def _make(self, body: dict[str, Any]) -> tuple[Assistant, Sequence[str]]:
        """Files and stores of another server are not here; the assistant is made without them."""
        try:
            return await self._assistants.create_whole(body), ()
        except ServiceError as error:
            resources = body.get("tool_resources")
            ids = [*_ids_in(resources)]
            if error.status not in (400, 404) or not any(id in error.sentence for id in ids):
                raise
        bare = {name: value for name, value in body.items() if name != "tool_resources"}
        return await self._assistants.create_whole(bare), (
            f"its files and vector stores are not here and were left out ({', '.join(ids)}).",
        )


def _ids_in(resources: object) -> Iterable[str]:
    if isinstance(resources, Mapping):
        for value in resources.values():
            yield from _ids_in(value)
    elif isinstance(resources, list):
        for value in resources:
            if isinstance(value, str):
                yield value
            else:
                yield from _ids_in(value)


def read_file(path: Path) -> Sequence[Mapping[str, Any]]:
    """The assistants' objects in a file, as they stand there. Raises ``ServiceError``.

    ``~`` at the beginning is the user's home.
    """
    with suppress(RuntimeError):  # "~somebody" who does not exist
        path = path.expanduser()
    try:
        if path.stat().st_size > LARGEST:
            raise ServiceError(f"{path} is larger than 64 MB; that is no file of assistants.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ServiceError(f"{path} is not UTF-8 text (byte {error.start + 1}).") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ServiceError(f"{path} cannot be read: {why}.") from error
    found = [*_objects(_parsed(text, path))]
    if not found:
        raise ServiceError(f"{path} holds no assistant: an object with a model, or a list of them.")
    if len(found) > MOST:
        raise ServiceError(f"{path} holds {len(found):,} assistants; at most {MOST:,} at once.")
    return found


def _parsed(text: str, path: Path) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise ServiceError(f"{path} is nested too deeply to be read.") from None
    except json.JSONDecodeError as whole:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            if len(lines) < 2:
                raise whole
            return [json.loads(line) for line in lines]
        except (json.JSONDecodeError, RecursionError):
            raise ServiceError(
                f"{path} is no valid JSON: line {whole.lineno}, column {whole.colno}, {whole.msg}."
            ) from None


def _objects(read: object) -> Iterable[Mapping[str, Any]]:
    """The assistants in a list, a page (``data``), or an object that is one."""
    if isinstance(read, list):
        for each in read:
            yield from _objects(each)
    elif isinstance(read, Mapping):
        if isinstance(read.get("data"), list):
            yield from _objects(read["data"])
        elif isinstance(read.get("model"), str) and read.get("object", "assistant") == "assistant":
            yield read


def creation(read: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
    """What creates such an assistant, and sentences about what of it cannot be taken over."""
    notes: list[str] = []
    body = {name: read[name] for name in FIELDS if read.get(name) is not None}
    unknown = [name for name in read if name not in FIELDS and name not in _SERVERS_OWN]
    if files := read.get("file_ids"):  # the first version of the API
        unknown.remove("file_ids")
        notes.append(f"its files were left out ({', '.join(map(str, files))}).")
    unknown = [name for name in unknown if read[name] not in (None, [], {})]
    if unknown:
        notes.append(f"fields that are not known were left out ({', '.join(unknown)}).")
    if isinstance(body.get("tools"), list):
        body["tools"] = [*_tools(body["tools"], notes)]
    if isinstance(body.get("tool_resources"), Mapping):
        resources = {
            kind: {name: ids for name, ids in given.items() if ids}
            for kind, given in body["tool_resources"].items()
            if isinstance(given, Mapping)
        }
        body["tool_resources"] = {kind: given for kind, given in resources.items() if given}
        if not body["tool_resources"]:
            del body["tool_resources"]
    return body, notes


def _tools(tools: Iterable[Any], notes: list[str]) -> Iterable[Any]:
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind == "retrieval":
            notes.append("its retrieval tool became file search.")
            yield {"type": "file_search"}
        elif kind in _TOOLS:
            yield _without_nulls(tool)
        else:
            notes.append(f"a tool that is not known was left out ({kind}).")


def _without_nulls(value: object) -> object:
    """SDKs write every field they know; a null in a tool says nothing. A schema keeps its own."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: inner if name == "parameters" else _without_nulls(inner)
        for name, inner in value.items()
        if inner is not None
    }


def slug(name: str) -> str:
    """A file name that says ``name``: letters, digits and hyphens of it."""
    return re.sub(r"[^\w]+", "-", name.strip().casefold())[:60].strip("-_")


def _write_new(folder: Path, stem: str, value: object) -> Path:
    """Writes JSON to the first name that is free."""
    data = json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")
    number = 1
    while True:
        path = folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
        try:
            with path.open("xb") as file:
                file.write(data + b"\n")
        except FileExistsError:
            number += 1
        except OSError as error:
            raise ServiceError(
                f"{path} could not be written: {error.strerror or error}. Nothing was exported."
            ) from error
        else:
            return path
