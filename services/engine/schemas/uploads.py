"""Bodies of ``/v1/uploads``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.engine.schemas.base import Request


class ExpiresAfter(Request):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3_600, le=2_592_000)]


class CreateUpload(Request):
    filename: Annotated[str, StringConstraints(min_length=1)]
    purpose: Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    bytes: Annotated[int, Field(ge=1, le=8 * 1024**3)]
    mime_type: str
    expires_after: ExpiresAfter | None = None


class CompleteUpload(Request):
    part_ids: Annotated[list[str], Field(min_length=1)]
    md5: str | None = None
