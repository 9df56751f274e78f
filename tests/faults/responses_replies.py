"""Answers of a Responses endpoint, well-behaved and otherwise."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.endpoint import Reply, Step, stream

COUNTS: dict[str, Any] = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


def event(kind: str, **fields: Any) -> bytes:
    """One event as OpenAI frames it."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def created() -> list[bytes]:
    response = {"id": "resp_1", "object": "response", "status": "in_progress", "error": None}
    return [event(f"response.{kind}", response=response) for kind in ("created", "in_progress")]


def ending(
    status: str = "completed", output: list[dict[str, Any]] | None = None, **fields: Any
) -> bytes:
    response = {"id": "resp_1", "object": "response", "status": status, "usage": COUNTS}
    return event(f"response.{status}", response={**response, "output": output or [], **fields})


def message(text: str) -> dict[str, Any]:
    """A finished message item."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}


def says(*pieces: str, index: int = 0) -> list[bytes]:
    """A message item with its text in pieces."""
    at = {"output_index": index, "item_id": f"msg_{index}", "content_index": 0}
    text = "".join(pieces)
    opened = {"type": "message", "id": f"msg_{index}", "content": [], "role": "assistant"}
    return [
        event("response.output_item.added", output_index=index, item=opened),
        *(event("response.output_text.delta", delta=piece, **at) for piece in pieces),
        event("response.output_text.done", text=text, **at),
        event(
            "response.output_item.done",
            output_index=index,
            item={**message(text), "id": f"msg_{index}"},
        ),
    ]


def function_call(name: str, arguments: str, index: int = 0) -> dict[str, Any]:
    """A finished call item."""
    ids = {"id": f"fc_{index}", "call_id": f"call_upstream_{index}"}
    return {"type": "function_call", **ids, "name": name, "arguments": arguments}


def calls(name: str, arguments: dict[str, Any], index: int = 0) -> list[bytes]:
    """A call item with its arguments in pieces."""
    text = json.dumps(arguments)
    item = function_call(name, text, index)
    at = {"output_index": index, "item_id": f"fc_{index}"}
    pieces = [text[i : i + 5] for i in range(0, len(text), 5)]
    return [
        event("response.output_item.added", output_index=index, item={**item, "arguments": ""}),
        *(event("response.function_call_arguments.delta", delta=each, **at) for each in pieces),
        event("response.function_call_arguments.done", arguments=text, **at),
        event("response.output_item.done", output_index=index, item=item),
    ]


def thought(secret: str, index: int = 0, *summary: str) -> dict[str, Any]:
    """A finished reasoning item."""
    parts = [{"type": "summary_text", "text": text} for text in summary]
    item = {"type": "reasoning", "id": f"rs_{index}", "summary": parts, "status": None}
    return {**item, "encrypted_content": secret}


def thinks(secret: str, index: int = 0, *summary: str) -> list[bytes]:
    item = thought(secret, index, *summary)
    opened = {"type": "reasoning", "id": f"rs_{index}", "summary": []}
    at = {"output_index": index, "item_id": f"rs_{index}"}
    return [
        event("response.output_item.added", output_index=index, item=opened),
        *(
            event("response.reasoning_summary_text.delta", delta=text, summary_index=n, **at)
            for n, text in enumerate(summary)
        ),
        event("response.output_item.done", output_index=index, item=item),
    ]


def answered(*steps: Step) -> Reply:
    """A well-behaved stream around these steps."""
    return stream(*created(), *steps, ending())


def greeting(*pieces: str) -> Reply:
    return answered(*says(*(pieces or ("Hello ", "there."))))
