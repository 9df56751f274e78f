"""CPU per chunk: this project's decoding of a chat stream against the SDK's own.

    python -m tests.benchmarks.model_stream [--chunks 2000] [--rounds 7]

The endpoint is another process, so that only the client's CPU is counted. ``bytes`` reads the
same response and looks at nothing: what HTTP alone costs.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from services.engine.models.base import ModelMessage, ModelRequest, TextContent, TextDelta
from services.engine.models.chat_completions import ChatCompletions
from tests.faults.endpoint import Reply, answer, endpoint

Reader = Callable[[], Awaitable[int]]


async def serve(chunks: int) -> None:
    reply: Reply = answer(*(f"word{number} " for number in range(chunks)))
    async with endpoint() as served:
        served.always(reply)
        print(served.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until the parent is done


async def measure(url: str, chunks: int, rounds: int) -> None:
    import httpx2
    from openai import AsyncOpenAI

    model = ChatCompletions(url, "key")
    client = AsyncOpenAI(base_url=url, api_key="key")
    plain = httpx2.AsyncClient()
    message = ModelMessage("user", (TextContent("Hi"),))
    request = ModelRequest("test-model", (message,))

    async def ours() -> int:
        return sum([isinstance(event, TextDelta) async for event in model.stream(request)])

    async def sdk() -> int:
        stream = await client.chat.completions.create(
            model="test-model", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        seen = 0
        async for chunk in stream:
            seen += bool(chunk.choices and chunk.choices[0].delta.content)
        return seen

    async def nothing() -> int:
        body = {"model": "test-model", "messages": [], "stream": True}
        async with plain.stream("POST", f"{url}/chat/completions", json=body) as response:
            async for _ in response.aiter_bytes():
                pass
        return chunks

    readers: dict[str, Reader] = {"ours": ours, "sdk": sdk, "bytes": nothing}
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for lap in range(rounds + 1):
        for name, read in readers.items():
            before = time.process_time()
            seen = await read()
            used = time.process_time() - before
            if seen != chunks:
                raise SystemExit(f"{name} saw {seen} chunks of {chunks}")
            if lap:  # the first lap imports and connects
                spent[name].append(used / chunks * 1e6)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    for name, value in medians.items():
        low, high = min(spent[name]), max(spent[name])
        print(f"{name:>6}: {value:6.1f} µs of CPU a chunk ({low:.1f} to {high:.1f})")
    print(f"the SDK costs {medians['sdk'] / medians['ours']:.1f} times as much")
    base = medians["bytes"]
    decoding = (medians["sdk"] - base) / (medians["ours"] - base)
    print(f"without what HTTP costs alone: {decoding:.1f} times")
    await model.aclose()
    await client.close()
    await plain.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.chunks))
        return
    command = [sys.executable, "-m", "tests.benchmarks.model_stream", "--serve"]
    with subprocess.Popen(
        [*command, "--chunks", str(options.chunks)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        asyncio.run(measure(url, options.chunks, options.rounds))
        assert server.stdin is not None
        server.stdin.close()


if __name__ == "__main__":
    main()
