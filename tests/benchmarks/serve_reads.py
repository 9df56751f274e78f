"""Reads over HTTP against a bare application: ``python -m tests.benchmarks.serve_reads``.

``understudy serve`` and a bare Starlette application that has the same answers in memory are asked
turn about over the same number of keep-alive connections. Printed: answers a second of both, the
median of the rounds' ratios, and the same ratio of the CPU time that an answer took the server,
which other work on the machine disturbs less. A page of a thread of 10,000 messages is compared in
the same way with one of a thread of 100.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.fill import fill
from tests.benchmarks.raw_client import answer, rate
from tests.benchmarks.servers import Server, bare, seconds_of_cpu, understudy

LONG, SHORT = 0, 1  # the threads, by their numbers
READS = {
    "GET an assistant": "/v1/assistants/asst_7",
    "GET a thread": f"/v1/threads/thread_{LONG}",
    "GET a message": f"/v1/threads/thread_{SHORT}/messages/msg_10001",
    "list 100 messages": f"/v1/threads/thread_{LONG}/messages?limit=100",
    "list 100 assistants": "/v1/assistants?limit=100",
    "list 100 threads": "/v1/threads?limit=100",
}
PAGES = {
    "newest 100": "limit=100",
    "newest 20": "limit=20",
    "oldest 20": "limit=20&order=asc",
}


class Load(NamedTuple):
    """``rate`` is answers a second, ``cpu`` seconds of the server's CPU for an answer."""

    rate: float
    cpu: float


async def load(server: Server, path: str, connections: int, seconds: float) -> Load:
    before = seconds_of_cpu(server.pid)
    answers, took = await rate(server.port, server.request("GET", path), connections, seconds)
    return Load(answers / took, (seconds_of_cpu(server.pid) - before) / answers)


async def compare(
    name: str,
    one: tuple[Server, str],
    other: tuple[Server, str],
    options: argparse.Namespace,
) -> None:
    """Prints a line about both."""
    rates: list[tuple[Load, Load]] = []
    for number in range(options.rounds + 1):
        first, second = [
            await load(server, path, options.connections, options.seconds)
            for server, path in (one, other)
        ]
        if number:  # the first warms both up
            rates.append((first, second))
    slow, fast = (statistics.median(pair[each].rate for pair in rates) for each in (0, 1))
    ratio = statistics.median(pair[1].rate / pair[0].rate for pair in rates)
    cpu = statistics.median(pair[0].cpu / pair[1].cpu for pair in rates)
    print(f"{name:<22}{slow:>9.0f}/s {fast:>9.0f}/s {ratio:>8.2f} x {cpu:>8.2f} x", flush=True)


def heading(name: str, one: str, other: str, bar: str) -> None:
    print(f"{name:<22}{one:>11} {other:>11} {'rate':>10} {'CPU':>10}   (bar: {bar})")


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await fill(folder, assistants_=200, threads_=[10_000, 100, *[1] * 150])
        with understudy(folder) as served:
            answers = {
                path.partition("?")[0].lstrip("/"): json.loads(
                    await answer(served.port, served.request("GET", path))
                )
                for path in READS.values()
            }
            with bare(answers, folder) as plain:
                heading("", "bare", "understudy", "0.5 x")
                for name, path in READS.items():
                    if options.only in name:
                        await compare(name, (plain, path), (served, path), options)
            heading("\nof the thread", "of 100", "of 10,000", "0.67 x")
            for name, query in PAGES.items():
                if options.only in name:
                    short, long = (
                        f"/v1/threads/thread_{number}/messages?{query}" for number in (SHORT, LONG)
                    )
                    await compare(name, (served, short), (served, long), options)


if __name__ == "__main__":
    asyncio.run(main())
