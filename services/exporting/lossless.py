"""A thread as JSON: the wire's objects, untouched."""

from __future__ import annotations

import json

from services.exporting.thread_record import ThreadRecord

VERSION = 1


def to_json(record: ThreadRecord) -> str:
    """All of the record's objects exactly as the server sent them, indented."""
    whole = {
        "object": "understudy.thread_export",
        "version": VERSION,
        "exported_at": record.exported_at,
        "thread": record.thread,
        "messages": list(record.messages),
        "runs": list(record.runs),
        "run_steps": {run_id: list(steps) for run_id, steps in record.steps.items()},
        "assistants": list(record.assistants.values()),
        "files": list(record.files.values()),
    }
    # Escaped beyond ASCII: half a character, which a model can send, is no UTF-8.
    return json.dumps(whole, indent=2, ensure_ascii=True) + "\n"
