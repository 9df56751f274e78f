"""Many runs at once: ``python -m tests.benchmarks.serve_streams``.

``understudy serve`` carries out 100 runs that are streamed to as many clients, each an answer of
200 deltas from a model endpoint. Printed: the wall time against that of fetching the same answers
from the endpoint directly, when the first delta and the end came for the slowest client and for the
median one, and the most memory that the server took. A client counts the words that it is sent, and
none may be missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.raw_client import answer
from tests.benchmarks.servers import Server, megabytes, model_endpoint, seconds_of_cpu, understudy

DELTA = b"event: thread.message.delta\n"


@dataclass(frozen=True, slots=True)
class Heard:
    """Seconds from the common start."""

    first: float
    end: float


async def listen(server: Server, assistant: str, words: int, began: float) -> Heard:
    """Creates a thread with a run and reads its stream to the end."""
    body = {
        "assistant_id": assistant,
        "stream": True,
        "thread": {"messages": [{"role": "user", "content": "go"}]},
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**20)
    writer.write(server.request("POST", "/v1/threads/runs", body))
    async with asyncio.timeout(120):
        heard = await reader.readuntil(DELTA)
        first = time.perf_counter() - began
        heard += await reader.readuntil(b"data: [DONE]\n\n")
        end = time.perf_counter() - began
    writer.close()
    if heard.count(b"word") < words or b"thread.run.completed" not in heard:
        raise SystemExit(f"words are missing: {heard[-500:]!r}")
    return Heard(first, end)


async def fetch(url: str) -> None:
    """One answer of the endpoint, read and not looked at."""
    port = int(url.split(":")[2].partition("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
    await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 120)
    writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        model_endpoint(options.words) as url,
        understudy(Path(folder), url) as server,
    ):
        made = await answer(
            server.port, server.request("POST", "/v1/assistants", {"model": "bench"})
        )
        assistant = json.loads(made)["id"]
        await listen(server, assistant, options.words, time.perf_counter())
        idle = megabytes(server.pid, "Pss")
        for _ in range(options.rounds):
            began = time.perf_counter()
            await asyncio.gather(*(fetch(url) for _ in range(options.runs)))
            direct = time.perf_counter() - began
            cpu, began = seconds_of_cpu(server.pid), time.perf_counter()
            all_heard = await asyncio.gather(
                *(listen(server, assistant, options.words, began) for _ in range(options.runs))
            )
            took = time.perf_counter() - began
            firsts, ends = ([getattr(h, each) for h in all_heard] for each in ("first", "end"))
            print(
                f"{options.runs} runs of {options.words} deltas {took:7.2f} s "
                f"(endpoint alone {direct:.2f} s, server's CPU "
                f"{seconds_of_cpu(server.pid) - cpu:.2f} s)"
            )
            for name, times in (("first delta", firsts), ("end", ends)):
                median, slowest = statistics.median(times), max(times)
                print(
                    f"  {name:<12} fastest {min(times):6.2f} s, median {median:6.2f} s, "
                    f"slowest {slowest:6.2f} s: {slowest / median:.2f} x the median"
                )
        print(f"memory: {idle:.0f} MB after one run, at most {megabytes(server.pid, 'VmHWM'):.0f}")
        print("(bar: 300 MB, none starved)")


if __name__ == "__main__":
    asyncio.run(main())
