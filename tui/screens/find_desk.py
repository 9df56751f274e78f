"""Find in the conversation: the bar, the count, and the way into messages not loaded yet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tui.screens.decision_desk import DecisionDesk
from tui.transcript.finder import Finder

if TYPE_CHECKING:
    from tui.screens.find_bar import FindBar

PAGES = 20
"""Pages of older messages that one key press looks through, at most."""


class FindDesk(DecisionDesk):
    """Looks in what is loaded as one types; goes into older messages when asked to."""

    def __init__(self) -> None:
        super().__init__()
        self._find_query = ""
        self.find_bar: FindBar | None = None
        """Where one types; there while it is open."""

    async def action_find(self) -> None:
        """Open the bar; what was looked for last is in it."""
        self.unfold("conversation")
        bar = self.find_bar
        if bar is None:
            # Most never look for anything: the bar is imported for who does.
            from tui.screens.find_bar import FindBar

            bar = self.find_bar = FindBar(id="find")
            await self.query_one("#conversation").mount(bar, before=self.composer)
        bar.open(self._find_query)

    def find(self, query: str) -> None:
        """Look for ``query``, from the newest message in view upwards."""
        self._find_query = query
        self.spawn(partial(self._find, query), "find")

    async def _find(self, query: str) -> None:
        bar = self.find_bar
        finder = self.transcript.look_for(query)
        if finder is None:
            self._tell_find("")
            return
        if bar is not None:
            bar.tell("looking …")
        await finder.count()
        if finder.begin():
            self._show_match(finder)
        elif self.transcript.older:
            self._tell_find("not in the messages loaded; Up looks in older ones")
        else:
            self._tell_find("no match")

    def action_find_step(self, direction: int) -> None:
        if not self._find_query.strip():
            self.call_later(self.action_find)
            return
        self.spawn(partial(self._step, direction), "find")

    async def _step(self, direction: int) -> None:
        finder = self.transcript.finder
        if finder is None:
            # The bar was closed, or another thread was opened since.
            await self._find(self._find_query)
            return
        await finder.count()
        if finder.step(direction):
            self._show_match(finder)
        elif (direction < 0 or not finder.total) and self.transcript.older:
            await self._look_in_older(finder)
        elif finder.wrap(direction):
            self._show_match(finder, "from the end" if direction < 0 else "from the top")
        else:
            self._tell_find("no match")

    async def _look_in_older(self, finder: Finder) -> None:
        """Load older messages until one has a match, at most ``PAGES`` pages of them."""
        transcript, page = self.transcript, self.flow.page
        before = len(transcript.window.rows)
        for _ in range(PAGES):
            looked = len(transcript.window.rows) - before
            self._tell_find(f"looking in older messages ({looked:,} so far) …")
            await self.flow.show_older()
            if self.flow.page is not page or transcript.finder is not finder:
                return
            await finder.count()
            if finder.step(-1):
                self._show_match(finder)
                return
            if not transcript.older:
                break
        looked = len(transcript.window.rows) - before
        if transcript.older:
            self._tell_find(f"not in {looked:,} older rows; Up looks in the next ones")
        elif finder.wrap(-1):
            self._show_match(finder, "from the end")
        else:
            self._tell_find("no match in the whole thread")

    def _show_match(self, finder: Finder, remark: str = "") -> None:
        row = self.transcript.show_found()
        if row is not None:
            self.transcript.mark(row.entry.key)
        older = "+" if self.transcript.older else ""
        told = f"{finder.position:,} of {finder.total:,}{older}"
        self._tell_find(f"{told} · {remark}" if remark else told)

    def _tell_find(self, text: str) -> None:
        bar = self.find_bar
        if bar is not None:
            bar.tell(text)
        elif text:
            self.say(f"Find: {text}.")

    def on_find_bar_changed(self, event: FindBar.Changed) -> None:
        if event.query != self._find_query or self.transcript.finder is None:
            self.find(event.query)

    def on_find_bar_step(self, event: FindBar.Step) -> None:
        self.action_find_step(event.direction)

    async def on_find_bar_closed(self) -> None:
        self.workers.cancel_group(self, "find")
        self.transcript.stop_finding()
        if (bar := self.find_bar) is not None:
            self.find_bar = None
            await bar.remove()
        self.go_to("transcript")
