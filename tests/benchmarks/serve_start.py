"""Starting on a large store: ``python -m tests.benchmarks.serve_start``.

``understudy serve`` is started turn about on an empty store and on one of 100,000 threads, each
with a message and a run. Printed: the time until it listens, and until its first list of threads
was answered, with the median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.fill import fill
from tests.benchmarks.raw_client import answer
from tests.benchmarks.servers import understudy


async def start(home: Path) -> tuple[float, float]:
    """Seconds until the server listened, and until it had answered."""
    with understudy(home) as server:
        began = time.perf_counter()
        await answer(server.port, server.request("GET", "/v1/threads?limit=20"))
        return server.start, server.start + time.perf_counter() - began


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        empty, full = Path(name, "empty"), Path(name, "full")
        await fill(empty)
        await fill(full, threads_=[1] * options.threads, with_runs=True)
        pairs = [(await start(empty), await start(full)) for _ in range(options.rounds + 1)][1:]
    for number, what in enumerate(("listens", "first list of threads")):
        small, large = (statistics.median(pair[each][number] for pair in pairs) for each in (0, 1))
        ratio = statistics.median(pair[1][number] / pair[0][number] for pair in pairs)
        print(
            f"{what:<22} empty {small:6.3f} s, of {options.threads} threads {large:6.3f} s: "
            f"{ratio:.2f} x   (bar: 1.2)"
        )


if __name__ == "__main__":
    asyncio.run(main())
