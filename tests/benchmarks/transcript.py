"""What the transcript costs, against Textual's own Markdown widget in the same run.

    python -m tests.benchmarks.transcript [--chunks 2000] [--long 20000] [--quick]

Prints CPU seconds and ratios; judges nothing. "Painted" means that every batch of seven chunks (a
thirtieth of a second at 200 chunks a second) is laid out and painted before the next one comes.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Markdown

from tui.transcript import Entry, MessageEntry, Transcript, stream

BATCH = 7
SECTION = """\
## Section {number}

A paragraph with **bold** words, `code`, a [link](https://example.org/{number}) and enough text
to be wrapped once or twice on a screen of an ordinary width, as answers are.

- first point of section {number}
- second point, with *emphasis*
  - a nested one

```python
def section_{number}(values: list[int]) -> int:
    return sum(value * {number} for value in values)
```

| Name | Value |
| :--- | ----: |
| {number} | {number}00 |

"""


def chunks(count: int) -> list[str]:
    """``count`` pieces of an answer, about a word each."""
    text = "".join(SECTION.format(number=number) for number in range(count // 60 + 1))
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    return pieces[:count]


async def painted(widget: Widget) -> None:
    """Wait until ``widget`` was laid out and painted."""
    done = asyncio.Event()
    widget.call_after_refresh(done.set)
    await done.wait()


class MarkdownApp(App[None]):
    """The plain design: a Markdown widget that is appended to."""

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.anchor()
            yield Markdown()


class TranscriptApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Transcript()


async def stream_into(
    add: Callable[[str], Awaitable[None]], pieces: list[str], batch: int
) -> list[float]:
    """CPU seconds of each batch, paint included."""
    costs = []
    for at in range(0, len(pieces), batch):
        begin = process_time()
        await add("".join(pieces[at : at + batch]))
        costs.append(process_time() - begin)
    return costs


async def markdown_costs(pieces: list[str]) -> list[float]:
    app = MarkdownApp()
    async with app.run_test(size=(120, 40)):
        markdown = app.query_one(Markdown)

        async def add(text: str) -> None:
            await markdown.append(text)
            await painted(markdown)

        return await stream_into(add, pieces, BATCH)


async def transcript_costs(pieces: list[str]) -> list[float]:
    app = TranscriptApp()
    frame, stream.FRAME = stream.FRAME, 0.0
    try:
        async with app.run_test(size=(120, 40)):
            transcript = app.query_one(Transcript)
            transcript.put(answer("answer", "", streaming=True))

            async def add(text: str) -> None:
                transcript.add_text("answer", text)
                await painted(transcript)

            return await stream_into(add, pieces, BATCH)
    finally:
        stream.FRAME = frame


def answer(key: str, text: str, *, streaming: bool = False) -> MessageEntry:
    return MessageEntry(
        key, "Assistant", False, "10:02", text, "streaming" if streaming else "done"
    )


async def open_cost(count: int) -> tuple[float, float]:
    """Wall and CPU seconds until a thread of ``count`` messages is painted."""
    entries: list[Entry] = [
        answer(f"message-{number}", SECTION.format(number=number)) for number in range(count)
    ]
    app = TranscriptApp()
    async with app.run_test(size=(120, 40)):
        transcript = app.query_one(Transcript)
        transcript.show([answer("first", SECTION)])  # the parser and the lexers are imported
        await painted(transcript)
        wall, cpu = perf_counter(), process_time()
        transcript.show(entries)
        await painted(transcript)
        return perf_counter() - wall, process_time() - cpu


def show_stream(name: str, costs: list[float], pieces: int) -> None:
    part = max(1, len(costs) // 10)
    begin, end = sum(costs[part : 2 * part]) / part, sum(costs[-part:]) / part
    print(
        f"{name:<34} {sum(costs):7.2f} s CPU   per chunk: {1000 * sum(costs) / pieces:6.3f} ms, "
        f"second tenth {1000 * begin / BATCH:.3f}, last tenth {1000 * end / BATCH:.3f} "
        f"({end / begin:.2f}x)"
    )


async def run(count: int, long: int, quick: bool) -> None:
    pieces = chunks(count)
    ours = await transcript_costs(pieces)
    show_stream(f"transcript, {count} chunks painted", ours, len(pieces))
    theirs = await markdown_costs(pieces)
    show_stream(f"Markdown.append, {count} chunks painted", theirs, len(pieces))
    print(f"CPU, transcript / Markdown.append: {sum(ours) / sum(theirs):.3f}x")
    if not quick:
        pieces = chunks(long)
        show_stream(
            f"transcript, {long} chunks painted", await transcript_costs(pieces), len(pieces)
        )
    few, many = await open_cost(20), await open_cost(10_000)
    print(
        f"opening 20 messages {1000 * few[0]:.1f} ms, 10,000 messages {1000 * many[0]:.1f} ms "
        f"({many[0] / few[0]:.2f}x wall, {many[1] / few[1]:.2f}x CPU)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the transcript costs, in ratios.")
    parser.add_argument("--chunks", type=int, default=2_000, help="chunks of the paired run")
    parser.add_argument("--long", type=int, default=20_000, help="chunks of the long run")
    parser.add_argument("--quick", action="store_true", help="without the long run")
    options = parser.parse_args()
    asyncio.run(run(options.chunks, options.long, options.quick))


if __name__ == "__main__":
    main()
