"""One timer for many waits: no wait may lose its limit, or someone else's cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.engine.models.deadline import Deadline


@pytest.fixture
async def deadline() -> AsyncIterator[Deadline]:
    made = Deadline()
    yield made
    made.close()


async def test_a_wait_that_is_too_long_times_out_and_the_task_goes_on(deadline: Deadline) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await deadline.within(0.01, asyncio.Event().wait())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_shorter_wait_after_a_longer_one_keeps_its_own_limit(deadline: Deadline) -> None:
    assert await deadline.within(1000, asyncio.sleep(0, "quick")) == "quick"
    with pytest.raises(TimeoutError):
        await deadline.within(0.01, asyncio.Event().wait())


async def test_a_longer_wait_after_a_shorter_one_is_not_cut(deadline: Deadline) -> None:
    await deadline.within(0.01, asyncio.sleep(0))
    loop = asyncio.get_running_loop()
    later = loop.create_future()
    loop.call_later(0.05, later.set_result, "there")
    assert await deadline.within(5, later) == "there"


async def test_a_timer_that_fires_between_waits_harms_nobody(deadline: Deadline) -> None:
    await deadline.within(0.01, asyncio.sleep(0))
    later = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.03, later.set_result, None)
    await later


async def test_a_cancellation_from_outside_stays_one(deadline: Deadline) -> None:
    task = asyncio.ensure_future(deadline.within(5, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_error_of_what_is_awaited_is_passed_on(deadline: Deadline) -> None:
    async def broken() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await deadline.within(5, broken())
