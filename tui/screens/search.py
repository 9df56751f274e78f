"""Search over all threads: results as you type, and the place of the one that is chosen."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from services.records import SearchHit, ServiceError
from tui.screens.page import Work
from tui.text import content, safe, safe_line
from tui.widgets.thread_list import UNTITLED, age

Search = Callable[[str], Awaitable[Sequence[SearchHit]]]

PAUSE = 0.15
"""Seconds without a key before what was typed is searched."""
DIM = "$footer-description-foreground"
ASK = "What was said in any thread: questions and answers, best first."
WHO = {"user": "You", "assistant": "Answer"}


class SearchScreen(ModalScreen[SearchHit | None]):
    """The keys of the list work while the words are typed. Esc goes back to where one was."""

    DEFAULT_CSS = """
    SearchScreen {
        align: center middle;
        background: $background 60%;
        #search {
            width: 100;
            max-width: 96%;
            height: 80%;
            min-height: 10;
            border: round $border;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $footer-description-foreground;
            background: $surface;
        }
        Input { border: round $border-blurred; background: $surface; padding: 0 1; height: 3; }
        Input:focus { border: heavy $border; }
        OptionList {
            height: 1fr;
            border: none;
            background: $surface;
            padding: 0 1;
            scrollbar-size-vertical: 1;
        }
        #search-note { height: auto; padding: 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False),
        Binding("down", "results('cursor_down')", "Next", show=False, priority=True),
        Binding("up", "results('cursor_up')", "Previous", show=False, priority=True),
        Binding("pagedown", "results('page_down')", "Page down", show=False, priority=True),
        Binding("pageup", "results('page_up')", "Page up", show=False, priority=True),
    ]

    def __init__(self, search: Search, query: str = "") -> None:
        super().__init__()
        self._search = search
        self._query = query
        self._hits: dict[str, SearchHit] = {}
        self._looked_for = ""
        """The words that the results are of."""

    def compose(self) -> ComposeResult:
        with Vertical(id="search") as box:
            box.border_title = "Search all threads"
            box.border_subtitle = "Enter opens the place · Esc goes back"
            yield Input(safe_line(self._query), placeholder="Words to look for", max_length=400)
            yield OptionList(id="results", markup=False)
            yield Static(content(ASK, DIM), id="search-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False  # one place to type, one list below it

    # Searching

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.workers.cancel_group(self, "search")
        query = event.value.strip()
        if query:
            self.set_timer(PAUSE, partial(self._begin, query))
        else:
            self._show((), ASK)

    def _begin(self, query: str) -> None:
        if query == self._wanted:
            work: Work = partial(self._find, query)
            self.run_worker(work, group="search", exclusive=True)

    @property
    def _wanted(self) -> str:
        return self.query_one(Input).value.strip()

    async def _find(self, query: str) -> None:
        try:
            hits = await self._search(query)
        except ServiceError as error:
            if query == self._wanted:
                self._show((), error.sentence)
            return
        if query == self._wanted:
            self._show(hits, "" if hits else "Nothing like that was said in any thread.")

    def _show(self, hits: Sequence[SearchHit], note: str) -> None:
        results = self.query_one(OptionList)
        self._looked_for = self._wanted
        now = time.time()
        self._hits = {hit.message_id: hit for hit in hits}
        results.set_options(Option(result(hit, now), id=id) for id, hit in self._hits.items())
        if self._hits:
            results.highlighted = 0
        said = self.query_one("#search-note", Static)
        said.update(content(note, DIM))
        said.display = bool(note)

    # Choosing

    def action_results(self, action: str) -> None:
        results = self.query_one(OptionList)
        getattr(results, f"action_{action}")()

    @on(Input.Submitted)
    def _chosen(self, event: Input.Submitted) -> None:
        event.stop()
        if self._looked_for != self._wanted:
            self._begin(self._wanted)  # the results on the screen are of other words
            return
        results = self.query_one(OptionList)
        if self._hits and results.highlighted is not None:
            self._leave(results.get_option_at_index(results.highlighted).id)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._leave(event.option_id)

    def _leave(self, message_id: str | None) -> None:
        if (hit := self._hits.get(message_id or "")) is not None:
            self.dismiss(hit)


def result(hit: SearchHit, now: float) -> Content:
    """A result in two lines: the thread with who said it and when, then the place."""
    title = safe_line(hit.thread_title, 60) or UNTITLED
    away = " · put away" if hit.archived else ""
    said = f"  {WHO.get(hit.role, safe_line(hit.role, 20))} · {age(now - hit.created_at)}{away}"
    return Content.assemble(
        Content.styled(title, "bold"), Content.styled(said, DIM), "\n", place(hit)
    )


def place(hit: SearchHit) -> Content:
    """The snippet with the words that were found marked; each piece is made safe by itself."""
    return Content.assemble(*_pieces(hit))


def _pieces(hit: SearchHit) -> Iterator[Content]:
    at = 0
    for start, end in hit.marks:
        if start < at:
            continue
        yield Content(safe(hit.snippet[at:start]))
        yield Content.styled(safe(hit.snippet[start:end]), "bold underline $accent")
        at = end
    yield Content(safe(hit.snippet[at:]))
    yield Content("\n")
