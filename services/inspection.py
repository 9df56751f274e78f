"""What a run did, step by step, what its model was asked, and what a thread has come to.

Read as plain JSON: a thread may have hundreds of runs, and the SDK's objects cost ten times as
much.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from services.connection.speaking import speaking
from services.records import ACTIVE_STATUSES, Run, ServiceError, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI, RequestOptions

PAGE = 100
SHORT = 2
"""Seconds: in a run that took no longer nobody decided anything, as far as the clock can tell."""
AT_ONCE = 4
_RESULTS = "step_details.tool_calls[*].file_search.results[*].content"


@dataclass(frozen=True, slots=True)
class StepCall:
    """A call of a tool: what went in, and what came out, both as text."""

    kind: str
    name: str
    id: str = ""
    given: str = ""
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run; ``message_id`` for one that wrote a message."""

    id: str
    status: str
    created_at: int
    ended_at: int | None = None
    message_id: str | None = None
    calls: tuple[StepCall, ...] = ()
    usage: Usage | None = None
    error: str | None = None

    @property
    def by_user(self) -> bool:
        """Whether it waited for functions of the user."""
        return any(call.kind == "function" for call in self.calls)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What the endpoint was asked, exactly; ``body`` is the JSON that was sent."""

    number: int
    model: str
    endpoint: str
    body: Any
    created_at: int = 0
    usage: Usage | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run in full. ``requests`` is None where the server does not tell them."""

    run: Run
    steps: tuple[Step, ...] = ()
    requests: tuple[ModelRequest, ...] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Instructions, tools and the like, as the run was created with them."""

    @property
    def models(self) -> tuple[str, ...]:
        """The endpoint's models that answered, each once."""
        return tuple(dict.fromkeys(each.model for each in self.requests or () if each.model))

    @property
    def seconds(self) -> float | None:
        """How long it worked, without the time that its functions waited for the user.

        The wire's times are whole seconds: what its requests took is the finer measure.
        """
        worked = working_seconds(self.run, self.steps)
        asked = sum(each.seconds or 0.0 for each in self.requests or ())
        return None if worked is None else max(worked, asked)


@dataclass(frozen=True, slots=True)
class ThreadFigures:
    """The sums over the runs of a thread that have ended."""

    runs: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


@dataclass(slots=True)
class _Known:
    """What is known of a thread's ended runs: tokens and seconds by run id."""

    runs: dict[str, tuple[Usage, float]] = field(default_factory=dict)
    complete: bool = False


class Inspection:
    """Every method raises ``ServiceError`` with a sentence for the user."""

    def __init__(self, client: AsyncOpenAI):
        self._client = client
        self._threads: dict[str, _Known] = {}

    async def runs(self, thread_id: str) -> tuple[Run, ...]:
        """All runs of the thread, the newest first."""
        async with speaking("list the runs"):
            return tuple([run_of(each) async for each in self._runs(thread_id)])

    async def report(self, thread_id: str, run_id: str) -> RunReport:
        """Everything about one run."""
        base = _path("threads", thread_id, "runs", run_id)
        async with speaking("read the run"):
            read, steps, requests = await asyncio.gather(
                self._get(base), self._steps(base), self._requests(base)
            )
        return RunReport(run_of(read), steps, requests, _settings(read))

    async def figures(self, thread_id: str) -> ThreadFigures:
        """Tokens and time of a thread. Runs that were counted once are not read again."""
        known = self._threads.setdefault(thread_id, _Known())
        new: list[Mapping[str, Any]] = []
        async with speaking("read the thread's runs"):
            async for each in self._runs(thread_id):
                if known.complete and each["id"] in known.runs:
                    break
                if each.get("status") not in ACTIVE_STATUSES and each["id"] not in known.runs:
                    new.append(each)
            for start in range(0, len(new), AT_ONCE):
                some = [run_of(each) for each in new[start : start + AT_ONCE]]
                with_functions = [_has_functions(each) for each in new[start : start + AT_ONCE]]
                seconds = await asyncio.gather(*map(self._seconds, some, with_functions))
                for run, took in zip(some, seconds, strict=True):
                    known.runs[run.id] = (run.usage or Usage(), took)
        known.complete = True
        return ThreadFigures(
            runs=len(known.runs),
            usage=total(usage for usage, _ in known.runs.values()),
            seconds=sum(took for _, took in known.runs.values()),
        )

    async def _seconds(self, run: Run, with_functions: bool) -> float:
        took = working_seconds(run, ()) or 0.0
        if not with_functions or took <= SHORT:
            return took
        base = _path("threads", run.thread_id, "runs", run.id)
        return working_seconds(run, await self._steps(base, contents=False)) or 0.0

    # --- reading ------------------------------------------------------------------------------

    async def _runs(self, thread_id: str) -> AsyncIterator[Mapping[str, Any]]:
        query: dict[str, Any] = {"limit": PAGE, "order": "desc"}
        async for each in self._pages(_path("threads", thread_id, "runs"), query):
            yield each

    async def _steps(self, base: str, *, contents: bool = True) -> tuple[Step, ...]:
        query: dict[str, Any] = {"limit": PAGE, "order": "asc"}
        if contents:
            query["include[]"] = _RESULTS
        return tuple([step_of(each) async for each in self._pages(f"{base}/steps", query)])

    async def _requests(self, base: str) -> tuple[ModelRequest, ...] | None:
        """Beyond the hosted API: other servers answer 404, or take it for something else."""
        try:
            async with speaking("read the requests"):
                answer = await self._get(f"{base}/requests")
        except ServiceError as error:
            if error.status in (400, 404, 405, 501):
                return None
            raise
        listed = answer.get("data")
        return tuple(map(request_of, listed)) if isinstance(listed, list) else None

    async def _pages(self, path: str, query: dict[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        while True:
            page = await self._get(path, query)
            data = page.get("data") or []
            for each in data:
                yield each
            if not page.get("has_more") or not data:
                return
            query = {**query, "after": page.get("last_id") or data[-1]["id"]}

    async def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        options: RequestOptions = {"params": dict(query or {})}
        return cast("dict[str, Any]", await self._client.get(path, cast_to=object, options=options))


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)


# --- the wire's objects -----------------------------------------------------------------------


def run_of(read: Mapping[str, Any]) -> Run:
    ended = read.get("completed_at") or read.get("failed_at") or read.get("cancelled_at")
    error = read.get("last_error") or {}
    return Run(
        id=str(read["id"]),
        thread_id=str(read.get("thread_id") or ""),
        assistant_id=str(read.get("assistant_id") or ""),
        status=read.get("status") or "completed",
        model=str(read.get("model") or ""),
        created_at=int(read.get("created_at") or 0),
        started_at=read.get("started_at"),
        ended_at=ended,
        expires_at=read.get("expires_at"),
        usage=usage_of(read.get("usage")),
        error=error.get("message"),
        incomplete_reason=(read.get("incomplete_details") or {}).get("reason"),
    )


def usage_of(read: Mapping[str, Any] | None) -> Usage | None:
    if not read:
        return None
    cached = read.get("prompt_token_details") or read.get("prompt_tokens_details") or {}
    reasoning = read.get("completion_tokens_details") or {}
    return Usage(
        prompt_tokens=int(read.get("prompt_tokens") or 0),
        completion_tokens=int(read.get("completion_tokens") or 0),
        cached_tokens=int(cached.get("cached_tokens") or 0),
        reasoning_tokens=int(reasoning.get("reasoning_tokens") or 0),
    )


def step_of(read: Mapping[str, Any]) -> Step:
    details = read.get("step_details") or {}
    ended = (read.get(f"{name}_at") for name in ("completed", "failed", "cancelled"))
    message = details.get("message_creation") or {}
    error = read.get("last_error") or {}
    expired = read.get("expired_at") if read.get("status") == "expired" else None
    return Step(
        id=str(read.get("id") or ""),
        status=str(read.get("status") or ""),
        created_at=int(read.get("created_at") or 0),
        ended_at=next((at for at in ended if at), None) or expired,
        message_id=message.get("message_id"),
        calls=tuple(call_of(call) for call in details.get("tool_calls") or ()),
        usage=usage_of(read.get("usage")),
        error=error.get("message"),
    )


def call_of(read: Mapping[str, Any]) -> StepCall:
    kind = str(read.get("type") or "")
    id = str(read.get("id") or "")
    told = read.get(kind)
    told = told if isinstance(told, Mapping) else {}
    if kind == "function":
        given = indented(str(told.get("arguments") or ""))
        return StepCall(kind, str(told.get("name") or ""), id, given, told.get("output"))
    if kind == "code_interpreter":
        outputs = told.get("outputs") or ()
        output = "\n".join(_code_output(each) for each in outputs)
        return StepCall(kind, kind, id, str(told.get("input") or ""), output or None)
    if kind == "file_search":
        ranking = told.get("ranking_options")
        given = json.dumps(ranking, indent=2, ensure_ascii=False) if ranking else ""
        results = told.get("results")
        found = None if results is None else "\n\n".join(map(_result, results)) or "Nothing fits."
        return StepCall(kind, kind, id, given, found)
    return StepCall(kind, kind, id, json.dumps(dict(read), indent=2, ensure_ascii=False))


def _code_output(output: Mapping[str, Any]) -> str:
    if output.get("type") == "logs":
        return str(output.get("logs") or "")
    return f"[image {(output.get('image') or {}).get('file_id', '')}]"


def _result(result: Mapping[str, Any]) -> str:
    passages = [str(part.get("text") or "") for part in result.get("content") or ()]
    score = result.get("score")
    told = f"{score:.3f}  " if isinstance(score, int | float) else ""
    return "\n".join([f"{told}{result.get('file_name') or result.get('file_id')}", *passages])


def request_of(read: Mapping[str, Any]) -> ModelRequest:
    return ModelRequest(
        number=int(read.get("number") or 0),
        model=str(read.get("model") or ""),
        endpoint=str(read.get("endpoint") or ""),
        body=read.get("body"),
        created_at=int(read.get("created_at") or 0),
        usage=usage_of(read.get("usage")),
        seconds=read.get("seconds"),
    )


def indented(text: str) -> str:
    """JSON as indented JSON, anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


_TOLD_ELSEWHERE = frozenset(
    {
        "id", "object", "created_at", "assistant_id", "thread_id", "status", "started_at",
        "expires_at", "cancelled_at", "failed_at", "completed_at", "last_error", "model", "usage",
        "incomplete_details", "required_action",
    }
)  # fmt: skip


def _settings(read: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in read.items()
        if name not in _TOLD_ELSEWHERE and value not in (None, [], {})
    }


# --- sums -------------------------------------------------------------------------------------


def total(usages: Iterable[Usage]) -> Usage:
    listed = [*usages]
    return Usage(
        prompt_tokens=sum(each.prompt_tokens for each in listed),
        completion_tokens=sum(each.completion_tokens for each in listed),
        cached_tokens=sum(each.cached_tokens for each in listed),
        reasoning_tokens=sum(each.reasoning_tokens for each in listed),
    )


def working_seconds(run: Run, steps: Sequence[Step]) -> float | None:
    """From start to end, or to now, without the steps in which functions waited for the user.

    None for a run that has not started.
    """
    if run.started_at is None:
        return None
    end = run.ended_at or (time.time() if run.active else run.started_at)
    waited = sum(
        max(0.0, (step.ended_at or end) - step.created_at) for step in steps if step.by_user
    )
    return max(0.0, end - run.started_at - waited)


def _has_functions(read: Mapping[str, Any]) -> bool:
    return any(tool.get("type") == "function" for tool in read.get("tools") or ())
