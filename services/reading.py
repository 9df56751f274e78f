"""The wire's objects as records.

Servers other than our own may leave fields out or add some: what is read here is what the screen
needs, and a missing piece is an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from services.records import (
    Assistant,
    Attachment,
    BuiltinTool,
    FunctionTool,
    ImageFilePart,
    ImageUrlPart,
    Message,
    Part,
    RefusalPart,
    Run,
    RunStatus,
    TextPart,
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
    )


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
            yield BuiltinTool(tool.type)


def tool_object(tool: Tool) -> dict[str, Any]:
    """The wire's form of a tool, without what is not set."""
    if isinstance(tool, BuiltinTool):
        return {"type": tool.kind}
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
        assistant_id=read.assistant_id,
        run_id=read.run_id,
        attachments=tuple(
            Attachment(each.file_id, tuple(tool.type for tool in each.tools or []))
            for each in read.attachments or []
            if each.file_id
        ),
    )


def _parts(content: Iterable[Any]) -> Iterable[Part]:
    for part in content:
        if part.type == "text":
            yield TextPart(part.text.value)
        elif part.type == "refusal":
            yield RefusalPart(part.refusal)
        elif part.type == "image_file":
            yield ImageFilePart(part.image_file.file_id)
        elif part.type == "image_url":
            yield ImageUrlPart(part.image_url.url)


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


def tool_call(read: Any) -> ToolCall:
    if read.type == "function":
        function = read.function
        return ToolCall(
            id=read.id,
            kind="function",
            name=function.name or "",
            arguments=function.arguments or "",
            output=function.output,
        )
    if read.type == "code_interpreter":
        code = read.code_interpreter
        logs = [output.logs for output in code.outputs if output.type == "logs"]
        return ToolCall(read.id, "code_interpreter", "code_interpreter", code.input, "".join(logs))
    return ToolCall(read.id, "file_search", "file_search")
