"""Bodies of runs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.engine.schemas.base import (
    LARGEST_NUMBER,
    Instructions,
    Metadata,
    ReasoningEffort,
    Request,
    Temperature,
    TopP,
)
from services.engine.schemas.resources import ToolResources
from services.engine.schemas.threads import CreateMessage, CreateThread
from services.engine.schemas.tools import ResponseFormat, ToolChoice, Tools


class TruncationStrategy(Request):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None

    @model_validator(mode="after")
    def has_its_number(self) -> Self:
        if self.type == "last_messages" and self.last_messages is None:
            raise ValueError("'last_messages' is required when the type is 'last_messages'.")
        return self


class RunFields(Request):
    assistant_id: str
    model: str | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    reasoning_effort: ReasoningEffort | None = None
    stream: bool | None = None
    max_prompt_tokens: Annotated[int, Field(ge=256, le=LARGEST_NUMBER)] | None = None
    # The published schema says at least 256; the service took 16.
    max_completion_tokens: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None


class CreateRun(RunFields):
    additional_instructions: Instructions | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(RunFields):
    thread: CreateThread | None = None
    tool_resources: ToolResources | None = None


class ModifyRun(Request):
    metadata: Metadata | None = None


class ToolOutput(Request):
    tool_call_id: str
    output: str | None = None


class SubmitToolOutputs(Request):
    tool_outputs: list[ToolOutput]
    stream: bool | None = None
