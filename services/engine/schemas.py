"""What a request may say, with the limits of the hosted API.

Responses are the wire's objects as the store builds them; requests have models of their own
because they carry the limits. Unknown fields are refused, and null means "not given" wherever
the hosted API reads it so.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

NAME_CHARACTERS = 256
DESCRIPTION_CHARACTERS = 512
TEXT_CHARACTERS = 256_000
TOOLS = 128
METADATA_PAIRS = 16
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


# --- tools ------------------------------------------------------------------------------------


class FunctionDefinition(Request):
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Request):
    type: Literal["function"]
    function: FunctionDefinition


Tool = FunctionTool
Tools = Annotated[list[Tool], Field(max_length=TOOLS)]


class FunctionName(Request):
    name: str


class FunctionChoice(Request):
    type: Literal["function"]
    function: FunctionName


ToolChoice = Literal["none", "auto", "required"] | FunctionChoice


class ToolResources(Request):
    """Nothing can be listed here until there are files and vector stores."""


# --- response format --------------------------------------------------------------------------


class JsonSchema(Request):
    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class PlainFormat(Request):
    type: Literal["text", "json_object"]


class SchemaFormat(Request):
    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = (
    Literal["auto"] | Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")]
)


# --- assistants -------------------------------------------------------------------------------


class AssistantFields(Request):
    name: Annotated[str, StringConstraints(max_length=NAME_CHARACTERS)] | None = None
    description: Annotated[str, StringConstraints(max_length=DESCRIPTION_CHARACTERS)] | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(AssistantFields):
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class ModifyAssistant(AssistantFields):
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None


# --- messages ---------------------------------------------------------------------------------


class TextPart(Request):
    type: Literal["text"]
    text: Text


class ImageUrl(Request):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImageUrlPart(Request):
    type: Literal["image_url"]
    image_url: ImageUrl


class ImageFile(Request):
    file_id: str
    detail: Literal["auto", "low", "high"] | None = None


class ImageFilePart(Request):
    type: Literal["image_file"]
    image_file: ImageFile


ContentPart = Annotated[TextPart | ImageUrlPart | ImageFilePart, Field(discriminator="type")]


class AttachmentTool(Request):
    type: Literal["code_interpreter", "file_search"]


class AttachmentFields(Request):
    file_id: str
    tools: list[AttachmentTool] | None = None


class CreateMessage(Request):
    role: Literal["user", "assistant"]
    content: Text | Annotated[list[ContentPart], Field(min_length=1)]
    attachments: list[AttachmentFields] | None = None
    metadata: Metadata | None = None

    @field_validator("content")
    @classmethod
    def not_empty(cls, value: str | list[Any]) -> str | list[Any]:
        if value == "":
            raise ValueError("Message content must be non-empty.")
        return value


class ModifyMessage(Request):
    metadata: Metadata | None = None


# --- threads ----------------------------------------------------------------------------------


class CreateThread(Request):
    messages: list[CreateMessage] | None = None
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


class ModifyThread(Request):
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


# --- vector stores ----------------------------------------------------------------------------

Attributes = Annotated[
    dict[MetadataKey, MetadataValue | bool | int | float], Field(max_length=METADATA_PAIRS)
]


class StoreExpiry(Request):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


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


# --- uploads ----------------------------------------------------------------------------------


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


# --- runs -------------------------------------------------------------------------------------


class TruncationStrategy(Request):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None


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
    output: str = ""


class SubmitToolOutputs(Request):
    tool_outputs: list[ToolOutput]
    stream: bool | None = None
