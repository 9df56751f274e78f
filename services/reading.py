"""The wire's objects as records.

Servers other than our own may leave fields out or add some: what is read here is what the screen
needs, and a missing piece is an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from services.functions.outcomes import says_denied, says_failure
from services.records import (
    Assistant,
    Attachment,
    BuiltinTool,
    Citation,
    FoundFile,
    FunctionTool,
    ImageFilePart,
    ImageUrlPart,
    Message,
    OtherTool,
    Part,
    RefusalPart,
    ResponseFormat,
    Run,
    RunStatus,
    SearchHit,
    TextPart,
    Thought,
    Thread,
    Tool,
    ToolCall,
    ToolStep,
    Usage,
)

if TYPE_CHECKING:
    from openai.types import beta
    from openai.types.beta import threads as wire
    from openai.types.beta.threads.runs import RunStep

TITLE = "title"
"""The key of a thread's metadata that holds its title."""
ARCHIVED = "understudy_archived"
"""When the thread was put away, in seconds since the epoch; empty when it was not."""
GONE_AT = "understudy_gone_at"
"""When the thread, deleted already, is deleted for good; empty when it was brought back."""
COPY_OF = "understudy_copy_of"
"""In a message of a fork: the id of the message that it is a copy of."""
WRITTEN_BY = "understudy_assistant"
"""In a copied answer: the id of the assistant that wrote it."""


def assistant(read: beta.Assistant) -> Assistant:
    return Assistant(
        id=read.id,
        name=read.name or "",
        model=read.model,
        instructions=read.instructions or "",
        description=read.description or "",
        tools=tuple(tools(read.tools or [])),
        temperature=read.temperature,
        top_p=read.top_p,
        created_at=read.created_at,
        reasoning_effort=getattr(read, "reasoning_effort", None),
        response_format=_response_format(read.response_format),
        vector_store_ids=_ids(read.tool_resources, "file_search", "vector_store_ids"),
        file_ids=_ids(read.tool_resources, "code_interpreter", "file_ids"),
        metadata=dict(_metadata(read)),
    )


def _response_format(read: Any) -> ResponseFormat:
    if read is None or isinstance(read, str):
        return read or "auto"
    return dict(read) if isinstance(read, Mapping) else read.to_dict()


def _ids(resources: Any, tool: str, kind: str) -> tuple[str, ...]:
    return tuple(getattr(getattr(resources, tool, None), kind, None) or ())


def tools(read: Iterable[Any]) -> Iterable[Tool]:
    for tool in read:
        if tool.type == "function":
            function = tool.function
            yield FunctionTool(
                name=function.name,
                description=function.description or "",
                parameters=function.parameters,
                strict=function.strict,
            )
        elif tool.type in ("file_search", "code_interpreter"):
            yield BuiltinTool(tool.type, tool.to_dict().get(tool.type) or {})
        else:
            yield OtherTool(str(tool.type), tool.to_dict())


def tool_object(tool: Tool) -> dict[str, Any]:
    """The wire's form of a tool, without what is not set."""
    if isinstance(tool, OtherTool):
        return dict(tool.fields)
    if isinstance(tool, BuiltinTool):
        options: dict[str, Any] = {tool.kind: dict(tool.options)} if tool.options else {}
        return {"type": tool.kind, **options}
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = dict(tool.parameters)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def thread(read: Mapping[str, Any]) -> Thread:
    """A thread of the list (beyond v2, so read as plain JSON)."""
    metadata = read.get("metadata") or {}
    extra = read.get("understudy") or {}
    status = extra.get("run_status")
    return Thread(
        id=str(read["id"]),
        title=str(metadata.get(TITLE) or extra.get("preview") or ""),
        created_at=int(read.get("created_at") or 0),
        active_at=int(extra.get("active_at") or read.get("created_at") or 0),
        run_status=status if status in get_args(RunStatus) else None,
        assistant_id=extra.get("assistant_id"),
        titled=bool(metadata.get(TITLE)),
        archived=bool(metadata.get(ARCHIVED)),
        gone_at=_seconds(metadata.get(GONE_AT)),
    )


def _seconds(value: object) -> int | None:
    """A time out of metadata, where everything is text and anybody may have written it."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def search_hit(read: Mapping[str, Any]) -> SearchHit:
    """A result of the search over all threads (beyond v2); marks outside of it are dropped."""
    snippet = str(read.get("snippet") or "")
    marks = ((int(start), int(end)) for start, end in read.get("marks") or () if 0 <= start < end)
    return SearchHit(
        thread_id=str(read["thread_id"]),
        thread_title=str(read.get("thread_title") or ""),
        message_id=str(read["message_id"]),
        role=str(read.get("role") or ""),
        created_at=int(read.get("created_at") or 0),
        snippet=snippet,
        marks=tuple(mark for mark in marks if mark[1] <= len(snippet)),
        archived=bool(read.get("archived")),
    )


def message(read: wire.Message) -> Message:
    details = read.incomplete_details
    return Message(
        id=read.id,
        thread_id=read.thread_id,
        role=read.role,
        parts=tuple(_parts(read.content)),
        created_at=read.created_at,
        # The hosted API left the status out when a message was read back.
        status=getattr(read, "status", None) or "completed",
        incomplete_reason=details.reason if details else None,
        assistant_id=read.assistant_id or _metadata(read).get(WRITTEN_BY),
        run_id=read.run_id,
        attachments=tuple(
            Attachment(each.file_id, tuple(tool.type for tool in each.tools or []))
            for each in read.attachments or []
            if each.file_id
        ),
    )


def _metadata(read: Any) -> Mapping[str, str]:
    return getattr(read, "metadata", None) or {}


def _parts(content: Iterable[Any]) -> Iterable[Part]:
    for part in content:
        if part.type == "text":
            yield TextPart(part.text.value, tuple(citations(part.text.annotations)))
        elif part.type == "refusal":
            yield RefusalPart(part.refusal)
        elif part.type == "image_file":
            yield ImageFilePart(part.image_file.file_id)
        elif part.type == "image_url":
            yield ImageUrlPart(part.image_url.url)


def citations(annotations: Iterable[Any] | None) -> Iterable[Citation]:
    """What a text's annotations say of its markers; what is no file citation is left out."""
    for each in annotations or ():
        cited = getattr(each, "file_citation", None)
        file_id = getattr(cited, "file_id", None)
        if each.type == "file_citation" and file_id and each.text:
            yield Citation(each.text, file_id, each.start_index or 0, each.end_index or 0)


def run(read: wire.Run) -> Run:
    ended = read.completed_at or read.failed_at or read.cancelled_at
    return Run(
        id=read.id,
        thread_id=read.thread_id,
        assistant_id=read.assistant_id,
        status=read.status,
        model=read.model,
        created_at=read.created_at,
        started_at=read.started_at,
        ended_at=ended,
        expires_at=read.expires_at,
        usage=usage(read.usage) if read.usage else None,
        error=read.last_error.message if read.last_error else None,
        incomplete_reason=read.incomplete_details.reason if read.incomplete_details else None,
    )


def usage(read: Any) -> Usage:
    # On the wire it is "prompt_token_details", which the SDK's type does not know.
    cached = getattr(read, "prompt_token_details", None) or {}
    reasoning = getattr(read, "completion_tokens_details", None) or {}
    return Usage(
        prompt_tokens=read.prompt_tokens,
        completion_tokens=read.completion_tokens,
        cached_tokens=cached.get("cached_tokens", 0),
        reasoning_tokens=reasoning.get("reasoning_tokens", 0),
    )


def tool_step(read: RunStep) -> ToolStep | None:
    """A step of tool calls; None for the creation of a message."""
    details = read.step_details
    if details.type != "tool_calls":
        return None
    ended = read.completed_at or read.failed_at or read.cancelled_at or read.expired_at
    return ToolStep(
        id=read.id,
        run_id=read.run_id,
        calls=tuple(tool_call(call) for call in details.tool_calls),
        status=read.status,
        created_at=read.created_at,
        ended_at=ended,
        error=read.last_error.message if read.last_error else None,
    )


def thought(read: RunStep) -> Thought | None:
    """What the model thought before this step; only our own engine tells it, to who asks."""
    extra = getattr(read, "understudy", None)
    text = extra.get("reasoning") if isinstance(extra, Mapping) else None
    return Thought(f"thought/{read.id}", read.run_id, str(text)) if text else None


def tool_call(read: Any) -> ToolCall:
    if read.type == "function":
        function = read.function
        return ToolCall(
            id=read.id,
            kind="function",
            name=function.name or "",
            arguments=function.arguments or "",
            output=function.output,
            failed=says_failure(function.name or "", function.output or ""),
            denied=says_denied(function.output or ""),
        )
    if read.type == "code_interpreter":
        code = read.code_interpreter
        outputs = code.outputs or []
        logs = [output.logs or "" for output in outputs if output.type == "logs"]
        images = (output.image for output in outputs if output.type == "image")
        return ToolCall(
            read.id,
            "code_interpreter",
            "code_interpreter",
            code.input or "",
            "".join(logs),
            images=tuple(image.file_id for image in images if image and image.file_id),
        )
    search = read.file_search
    results = getattr(search, "results", None)
    # Beyond v2: what was looked for, where a server tells it.
    queries = getattr(search, "queries", None) or ()
    return ToolCall(
        read.id,
        "file_search",
        "file_search",
        found=None
        if results is None
        else tuple(FoundFile(each.file_id, each.file_name or "", each.score) for each in results),
        queries=tuple(str(query) for query in queries),
    )
