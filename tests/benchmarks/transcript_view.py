"""How long the transcript takes for what a reader does with it, by the length of the thread.

    python -m tests.benchmarks.transcript_view [--messages 10000]

Prints wall milliseconds until the change is painted; judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from tests.benchmarks.transcript import SECTION, TranscriptApp, answer, painted
from tui.transcript import Entry, Transcript

ROUNDS = 5


async def timed(transcript: Transcript, change: Callable[[int], Awaitable[object]]) -> float:
    """The longest of some rounds, in milliseconds."""
    worst = 0.0
    for number in range(ROUNDS):
        begin = perf_counter()
        await change(number)
        await painted(transcript)
        worst = max(worst, perf_counter() - begin)
    return 1000 * worst


async def figures(count: int) -> dict[str, float]:
    entries: list[Entry] = [
        answer(f"message-{number}", SECTION.format(number=number)) for number in range(count)
    ]
    app = TranscriptApp()
    async with app.run_test(size=(120, 40)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.show([answer("first", SECTION)])
        await painted(transcript)

        async def show(_: int) -> None:
            transcript.show(entries)

        async def resize(number: int) -> None:
            await pilot.resize_terminal(120 if number % 2 else 100, 40)

        async def theme(number: int) -> None:
            app.theme = "textual-dark" if number % 2 else "textual-light"

        async def page(_: int) -> None:
            transcript.action_page_up()

        async def home(number: int) -> None:
            (transcript.action_scroll_end if number % 2 else transcript.action_scroll_home)()

        async def middle(number: int) -> None:
            transcript.go(transcript.window.total * (number + 1) // (ROUNDS + 1))

        async def find(number: int) -> None:
            finder = transcript.look_for(f"section_{count * number // ROUNDS}")
            assert finder is not None
            await finder.count()
            finder.begin()
            transcript.show_found()

        async def raw(_: int) -> None:
            transcript.action_raw_all()

        told = {"open": await timed(transcript, show)}
        # An empty resize tells what Textual itself takes for laying out the screen anew.
        for name, change in (
            ("page up", page),
            ("home/end", home),
            ("jump", middle),
            ("resize", resize),
            ("theme", theme),
            ("find", find),
            ("all raw", raw),
        ):
            told[name] = await timed(transcript, change)
        return told


async def run(count: int) -> None:
    few, many = await figures(20), await figures(count)
    print(f"{'milliseconds at most':<22}{'20 messages':>14}{f'{count:,} messages':>18}")
    for name, value in few.items():
        print(f"{name:<22}{value:>14.1f}{many[name]:>18.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What readers wait for, by the thread's length.")
    parser.add_argument("--messages", type=int, default=10_000)
    asyncio.run(run(parser.parse_args().messages))


if __name__ == "__main__":
    main()
