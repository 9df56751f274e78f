"""The tables. Order within a table is ``seq``, never a time: times have one second's resolution.

Scalar fields of the wire are columns; what the wire nests is JSON. ``runs.one_active_run`` is the
thread lock: the database itself refuses a second active run on a thread, whichever process asks.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA_VERSION = 2
ACTIVE_STATUSES = ("queued", "in_progress", "requires_action", "cancelling")
# In these very words: only a query that repeats them is answered from the index that has them.
IS_ACTIVE = text(f"status IN {ACTIVE_STATUSES}")

metadata = MetaData()


def _json(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def decimal(value: float | None) -> float | None:
    """A REAL column's value; in RETURNING, SQLite hands 1.0 back as the integer 1."""
    return None if value is None else float(value)


def _seq() -> Column[int]:
    return Column("seq", Integer, primary_key=True, autoincrement=True)


assistants = Table(
    "assistants",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("name", Text),
    Column("description", Text),
    Column("model", Text, nullable=False),
    Column("instructions", Text),
    _json("tools", nullable=False),
    _json("tool_resources", nullable=False),
    _json("metadata", nullable=False),
    Column("temperature", Float),
    Column("top_p", Float),
    Column("reasoning_effort", String),
    _json("response_format"),
    sqlite_autoincrement=True,
)

threads = Table(
    "threads",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    # For the thread list: a counter that grows with every message and run, and when that was.
    Column("activity", Integer, nullable=False, index=True),
    Column("active_at", Integer, nullable=False),
    Column("preview", Text, nullable=False, server_default=""),
    _json("tool_resources", nullable=False),
    _json("metadata", nullable=False),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("status", String, nullable=False),
    Column("incomplete_reason", String),
    Column("completed_at", Integer),
    Column("incomplete_at", Integer),
    _json("content", nullable=False),
    Column("assistant_id", String),
    Column("run_id", String),
    _json("attachments", nullable=False),
    _json("metadata", nullable=False),
    Index("messages_of_thread", "thread_id", "seq"),
    Index("messages_of_run", "run_id"),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), nullable=False),
    Column("assistant_id", String, nullable=False),
    Column("status", String, nullable=False),
    # The engine process that carries the run out; see owners.py.
    Column("owner", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("started_at", Integer),
    Column("expires_at", Integer),
    Column("cancelled_at", Integer),
    Column("failed_at", Integer),
    Column("completed_at", Integer),
    _json("required_action"),
    _json("last_error"),
    _json("incomplete_details"),
    Column("model", Text, nullable=False),
    Column("instructions", Text),
    _json("tools", nullable=False),
    _json("tool_resources", nullable=False),
    _json("metadata", nullable=False),
    Column("temperature", Float),
    Column("top_p", Float),
    Column("reasoning_effort", String),
    Column("max_prompt_tokens", Integer),
    Column("max_completion_tokens", Integer),
    _json("truncation_strategy", nullable=False),
    _json("response_format"),
    _json("tool_choice"),
    Column("parallel_tool_calls", Boolean, nullable=False),
    _json("usage"),
    Index("runs_of_thread", "thread_id", "seq"),
    Index(
        "one_active_run",
        "thread_id",
        unique=True,
        sqlite_where=IS_ACTIVE,
        postgresql_where=IS_ACTIVE,
    ),
    sqlite_autoincrement=True,
)

run_steps = Table(
    "run_steps",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("thread_id", String, nullable=False),
    Column("assistant_id", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("cancelled_at", Integer),
    Column("completed_at", Integer),
    # The run's time limit, as it was when the step began.
    Column("expires_at", Integer),
    Column("expired_at", Integer),
    Column("failed_at", Integer),
    _json("last_error"),
    _json("step_details", nullable=False),
    # What the wire does not tell of a built-in tool's call, and the model must see again:
    # {call id: {"name", "arguments", "output"}}.
    _json("calls"),
    # What the model thought before this step, for those who ask.
    Column("reasoning", Text),
    _json("usage"),
    Index("steps_of_run", "run_id", "seq"),
    sqlite_autoincrement=True,
)

# What the endpoint was asked in a run, the newest few hundred; not part of the hosted API.
model_requests = Table(
    "model_requests",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    _json("body", nullable=False),
    _json("usage"),
    Column("seconds", Float),
    sqlite_autoincrement=True,
)

# What the wire tells of a file; its bytes lie beside the database, see contents.py.
files = Table(
    "files",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer),
    Column("filename", Text, nullable=False),
    Column("purpose", String, nullable=False),
    Column("bytes", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# Files that arrive in parts; a part's bytes lie beside the database under its own id.
uploads = Table(
    "uploads",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("filename", Text, nullable=False),
    Column("purpose", String, nullable=False),
    Column("bytes", Integer, nullable=False),
    # Seconds that the finished file lives, None for ever.
    Column("file_life", Integer),
    Column("file_id", String),
    sqlite_autoincrement=True,
)

upload_parts = Table(
    "upload_parts",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("upload_id", ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    sqlite_autoincrement=True,
)

vector_stores = Table(
    "vector_stores",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("name", Text),
    Column("description", Text),
    Column("last_active_at", Integer, nullable=False),
    _json("expires_after"),
    _json("metadata", nullable=False),
    sqlite_autoincrement=True,
)

# A file in a vector store; its id on the wire is the file's.
vector_store_files = Table(
    "vector_store_files",
    metadata,
    _seq(),
    Column("id", String, nullable=False),
    Column("vector_store_id", ForeignKey("vector_stores.id", ondelete="CASCADE"), nullable=False),
    Column("batch_id", String, index=True),
    Column("created_at", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("usage_bytes", Integer, nullable=False),
    _json("last_error"),
    _json("chunking_strategy", nullable=False),
    _json("attributes", nullable=False),
    Index("one_entry_a_file", "vector_store_id", "id", unique=True),
    sqlite_autoincrement=True,
)

vector_store_batches = Table(
    "vector_store_batches",
    metadata,
    _seq(),
    Column("id", String, nullable=False, unique=True),
    Column("vector_store_id", ForeignKey("vector_stores.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# The text of a store's files in pieces, in their order.
chunks = Table(
    "chunks",
    metadata,
    _seq(),
    Column("entry", ForeignKey("vector_store_files.seq", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False),
    _json("place"),
    Index("chunks_of_entry", "entry", "seq"),
    sqlite_autoincrement=True,
)

# Where a deleted object stood, so that a client which deletes while it pages
# (``for a in client.beta.assistants.list(): delete(a.id)``) can still use it as a cursor.
tombstones = Table(
    "tombstones",
    metadata,
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
)
