"""Bodies of ``/v1/vector_stores``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.engine.schemas.base import (
    METADATA_PAIRS,
    Metadata,
    MetadataKey,
    MetadataValue,
    Request,
)
from services.engine.schemas.filters import Filter
from services.engine.schemas.resources import Chunking

Attributes = Annotated[
    dict[MetadataKey, MetadataValue | bool | int | float], Field(max_length=METADATA_PAIRS)
]


class StoreExpiry(Request):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class VectorStoreFields(Request):
    name: str | None = None
    expires_after: StoreExpiry | None = None
    metadata: Metadata | None = None


class CreateVectorStore(VectorStoreFields):
    description: str | None = None
    file_ids: Annotated[list[str], Field(max_length=500)] | None = None
    chunking_strategy: Chunking | None = None


class AttachFile(Request):
    file_id: str
    attributes: Attributes | None = None
    chunking_strategy: Chunking | None = None


class ModifyStoreFile(Request):
    attributes: Attributes | None


class CreateBatch(Request):
    file_ids: Annotated[list[str], Field(min_length=1, max_length=2000)] | None = None
    files: Annotated[list[AttachFile], Field(min_length=1, max_length=2000)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: Chunking | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.file_ids is None) == (self.files is None):
            raise ValueError("Exactly one of 'file_ids' and 'files' is needed.")
        return self


class SearchRanking(Request):
    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class SearchStore(Request):
    query: str | Annotated[list[str], Field(min_length=1, max_length=20)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    filters: Filter | None = None
    ranking_options: SearchRanking | None = None
    rewrite_query: bool | None = None
