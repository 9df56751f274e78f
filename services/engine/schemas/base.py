"""What every request model shares: strictness, and the limits of common fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_CHARACTERS = 256
DESCRIPTION_CHARACTERS = 512
TEXT_CHARACTERS = 256_000
TOOLS = 128
METADATA_PAIRS = 16
CODE_FILES = 20
STORE_FILES = 10_000
LARGEST_NUMBER = 2**31 - 1

Instructions = Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS)]
MetadataKey = Annotated[str, StringConstraints(max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=METADATA_PAIRS)]
Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Request(BaseModel):
    """The base: no unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)
