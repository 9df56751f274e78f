"""The calls a run waits for: asking, deciding, carrying out.

All outputs of a turn go back together, so what is decided first waits for the rest. A call is
decided once; a decision that comes too late changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from services.events import ApprovalNeeded, ApprovalSettled, RunEvent
from services.functions.approval import approval_request, check, denial
from services.functions.folder import FunctionsFolder
from services.records import Answer, ApprovalRequest, Approve, Decision, Deny, FunctionTool


class Decisions:
    """The open calls of one run. ``tell`` receives the events."""

    def __init__(self, functions: FunctionsFolder, tell: Callable[[RunEvent], None]):
        self._functions = functions
        self._tell = tell
        self._open: dict[str, tuple[ApprovalRequest, asyncio.Future[Decision]]] = {}

    @property
    def pending(self) -> tuple[ApprovalRequest, ...]:
        return tuple(request for request, future in self._open.values() if not future.done())

    def decide(self, call_id: str, decision: Decision) -> None:
        """Raises ``ServiceError`` when the decision does not fit the call as it was shown."""
        if call_id not in self._open:
            return
        request, future = self._open[call_id]
        if future.done():
            return
        check(decision, request)
        future.set_result(decision)
        self._tell(ApprovalSettled(call_id))

    async def outputs(
        self,
        thread_id: str,
        run_id: str,
        calls: Sequence[Any],
        offered: Sequence[FunctionTool],
        expires_at: int | None,
    ) -> Sequence[tuple[str, str]]:
        """Asks for every call, carries out what is approved, and returns (call id, output)."""
        definitions = {tool.name: tool for tool in offered}
        requests = []
        for position, call in enumerate(calls, start=1):
            requests.append(
                approval_request(
                    run_id=run_id,
                    thread_id=thread_id,
                    call_id=call.id,
                    tool=call.function.name,
                    arguments=call.function.arguments,
                    definition=definitions.get(call.function.name),
                    local=await self._functions.find(call.function.name),
                    position=position,
                    of=len(calls),
                    expires_at=expires_at,
                )
            )
        loop = asyncio.get_running_loop()
        self._open = {request.call_id: (request, loop.create_future()) for request in requests}
        self._tell(ApprovalNeeded(tuple(requests)))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._carry_out(request, future))
                    for request, future in self._open.values()
                ]
        finally:
            for call_id, (_, future) in self._open.items():
                if not future.done():
                    future.cancel()
                    self._tell(ApprovalSettled(call_id))
            self._open = {}
        return [
            (request.call_id, task.result()) for request, task in zip(requests, tasks, strict=True)
        ]

    async def _carry_out(self, request: ApprovalRequest, future: asyncio.Future[Decision]) -> str:
        decision = await future
        match decision:
            case Approve():
                result = await self._functions.call(request.tool, request.arguments)
                return result.output
            case Answer(output=output):
                return output
            case Deny():
                return denial(decision)
