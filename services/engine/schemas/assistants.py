"""Bodies of ``/v1/assistants``."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from services.engine.schemas.base import (
    DESCRIPTION_CHARACTERS,
    NAME_CHARACTERS,
    Instructions,
    Metadata,
    ReasoningEffort,
    Request,
    Temperature,
    TopP,
)
from services.engine.schemas.resources import NewToolResources, ToolResources
from services.engine.schemas.tools import ResponseFormat, Tools


class AssistantFields(Request):
    name: Annotated[str, StringConstraints(max_length=NAME_CHARACTERS)] | None = None
    description: Annotated[str, StringConstraints(max_length=DESCRIPTION_CHARACTERS)] | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(AssistantFields):
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    tool_resources: NewToolResources | None = None


class ModifyAssistant(AssistantFields):
    tool_resources: ToolResources | None = None
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
