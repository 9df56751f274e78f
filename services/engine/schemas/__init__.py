"""What a request may say, with the limits of the hosted API.

Responses are the wire's objects as the store builds them; requests have models of their own
because they carry the limits. Unknown fields are refused, and null means "not given" wherever
the hosted API reads it so.
"""

from services.engine.schemas.assistants import AssistantFields, CreateAssistant, ModifyAssistant
from services.engine.schemas.base import METADATA_PAIRS, Request
from services.engine.schemas.resources import (
    Chunking,
    NewToolResources,
    StaticChunking,
    StaticChunks,
    ToolResources,
)
from services.engine.schemas.runs import (
    CreateRun,
    CreateThreadAndRun,
    ModifyRun,
    RunFields,
    SubmitToolOutputs,
)
from services.engine.schemas.threads import (
    Attachment,
    CreateMessage,
    CreateThread,
    ModifyMessage,
    ModifyThread,
)
from services.engine.schemas.uploads import CompleteUpload, CreateUpload
from services.engine.schemas.vector_stores import (
    AttachFile,
    CreateBatch,
    CreateVectorStore,
    ModifyStoreFile,
    SearchRanking,
    SearchStore,
    VectorStoreFields,
)

__all__ = [
    "METADATA_PAIRS",
    "AssistantFields",
    "AttachFile",
    "Attachment",
    "Chunking",
    "CompleteUpload",
    "CreateAssistant",
    "CreateBatch",
    "CreateMessage",
    "CreateRun",
    "CreateThread",
    "CreateThreadAndRun",
    "CreateUpload",
    "CreateVectorStore",
    "ModifyAssistant",
    "ModifyMessage",
    "ModifyRun",
    "ModifyStoreFile",
    "ModifyThread",
    "NewToolResources",
    "Request",
    "RunFields",
    "SearchRanking",
    "SearchStore",
    "StaticChunking",
    "StaticChunks",
    "SubmitToolOutputs",
    "ToolResources",
    "VectorStoreFields",
]
