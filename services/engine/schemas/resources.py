"""Files and vector stores that come with an assistant, a thread or a run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.engine.schemas.base import CODE_FILES, STORE_FILES, Metadata, Request


class StaticChunks(Request):
    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)] = 800
    chunk_overlap_tokens: Annotated[int, Field(ge=0)] = 400

    @model_validator(mode="after")
    def overlap_fits(self) -> Self:
        if self.chunk_overlap_tokens * 2 > self.max_chunk_size_tokens:
            raise ValueError("chunk_overlap_tokens must not exceed half of max_chunk_size_tokens.")
        return self


class AutoChunking(Request):
    type: Literal["auto"]


class StaticChunking(Request):
    type: Literal["static"]
    static: StaticChunks


Chunking = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


class CodeInterpreterResources(Request):
    file_ids: Annotated[list[str], Field(max_length=CODE_FILES)] | None = None


class FileSearchStores(Request):
    vector_store_ids: Annotated[list[str], Field(max_length=1)] | None = None


class NewStore(Request):
    """A vector store made on the way, for the assistant or thread that is created."""

    file_ids: Annotated[list[str], Field(max_length=STORE_FILES)] | None = None
    chunking_strategy: Chunking | None = None
    metadata: Metadata | None = None


class FileSearchNewStores(FileSearchStores):
    vector_stores: Annotated[list[NewStore], Field(max_length=1)] | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if self.vector_store_ids is not None and self.vector_stores is not None:
            raise ValueError("only one of 'vector_store_ids' and 'vector_stores' can be given.")
        return self


class ToolResources(Request):
    """Files and stores by id."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: FileSearchStores | None = None


class NewToolResources(ToolResources):
    """Where something is created, a vector store can be created with it."""

    file_search: FileSearchNewStores | None = None
