"""What the engine adds to a model: ``python -m tests.benchmarks.wire``.

The same endpoint is asked directly with the SDK and through the embedded engine, turn about in one
run. Printed: the time to the first token (milliseconds more), and the whole of a long answer
(ratio of wall times).
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import AsyncOpenAI

from services.connection.embedded import EmbeddedConnection
from services.local.settings import ModelSettings

CHUNKS = 2000
ROUNDS = 15

Timing = tuple[float, float]


@contextmanager
def endpoint(chunks: int) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.endpoint", str(chunks)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.wait()


async def direct(client: AsyncOpenAI) -> Timing:
    """Seconds to the first token and to the end."""
    began, first = time.perf_counter(), 0.0
    stream = await client.chat.completions.create(
        model="bench", messages=[{"role": "user", "content": "go"}], stream=True
    )
    async for piece in stream:
        if not first and piece.choices and piece.choices[0].delta.content:
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def through(client: AsyncOpenAI, thread_id: str, assistant_id: str) -> Timing:
    began, first = time.perf_counter(), 0.0
    stream = await client.beta.threads.runs.create(
        thread_id, assistant_id=assistant_id, stream=True
    )
    async for event in stream:
        if not first and event.event == "thread.message.delta":
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def measure(chunks: int) -> tuple[list[Timing], list[Timing]]:
    with endpoint(chunks) as url, tempfile.TemporaryDirectory() as folder:
        straight = AsyncOpenAI(base_url=url, api_key="bench")
        connection = EmbeddedConnection(
            Path(folder), ModelSettings(url=url, default="bench"), Path(folder) / "settings.toml"
        )
        client, _ = await connection.open()
        assistant = await client.beta.assistants.create(model="bench")

        async def engine() -> Timing:
            thread = await client.beta.threads.create(messages=[{"role": "user", "content": "go"}])
            return await through(client, thread.id, assistant.id)

        pairs: list[tuple[Timing, Timing]] = []
        for number in range(ROUNDS + 2):
            pair = (await direct(straight), await engine())
            if number >= 2:  # the first two warm caches and connections up
                pairs.append(pair)
        await connection.close()
        await straight.close()
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


async def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    plain, engine = await measure(20)
    more = statistics.median(e[0] - p[0] for p, e in zip(plain, engine, strict=True)) * 1000
    print(f"first token, direct          {statistics.median(p[0] for p in plain) * 1e3:8.2f} ms")
    print(f"first token, engine          {statistics.median(e[0] for e in engine) * 1e3:8.2f} ms")
    print(f"first token, engine adds     {more:8.2f} ms   (bar: 10)")
    plain, engine = await measure(CHUNKS)
    ratio = statistics.median(e[1] / p[1] for p, e in zip(plain, engine, strict=True))
    print(f"{CHUNKS} deltas, direct          {statistics.median(p[1] for p in plain):8.3f} s")
    print(f"{CHUNKS} deltas, engine          {statistics.median(e[1] for e in engine):8.3f} s")
    print(f"{CHUNKS} deltas, engine/direct   {ratio:8.2f} x    (bar: 1.5)")


if __name__ == "__main__":
    asyncio.run(main())
