"""The command palette: every command of the table, and every thread and assistant by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.commands import COMMANDS, Command, keys_text
from tui.screens.carrying_out import carry_out, lacking, possible
from tui.screens.workspace import WorkspaceScreen
from tui.text import safe_line
from tui.widgets.assistant_list import assistant_name
from tui.widgets.thread_list import thread_title

if TYPE_CHECKING:
    from tui.app import UnderstudyApp

JUMPS = 500
"""Threads offered by name, newest first; the thread list's filter finds the others."""


class CommandProvider(Provider):
    """Commands run on the widget they belong to, whatever had the focus."""

    @property
    def _workspace(self) -> WorkspaceScreen | None:
        for screen in self.app.screen_stack:
            if isinstance(screen, WorkspaceScreen):
                return screen
        return None

    @property
    def _app(self) -> UnderstudyApp:
        from tui.app import UnderstudyApp

        assert isinstance(self.app, UnderstudyApp)
        return self.app

    async def startup(self) -> None:
        await self._app.workspace.recent.load()

    async def discover(self) -> Hits:
        """What was used lately, the last first; then what can be done now; then the others."""
        recent = self._app.workspace.recent.ids
        last = {id: at for at, id in enumerate(recent)}

        def order(command: Command) -> tuple[int, int]:
            at = last.get(command.id, len(recent))
            return at, 0 if at < len(recent) or self._possible(command) else 1

        for command in sorted(COMMANDS, key=order):
            yield DiscoveryHit(
                self._labelled(command, Content(command.title)),
                partial(self._run, command),
                text=command.title,
                help=self._help(command),
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        recent = self._app.workspace.recent.ids
        for command in COMMANDS:
            score = max(matcher.match(command.title), matcher.match(command.id) * 0.8)
            if score > 0:
                # Among those that fit as well, the one that was used lately.
                used = recent.index(command.id) if command.id in recent else len(recent)
                yield Hit(
                    min(1.0, score) + (len(recent) - used) * 0.001,
                    self._labelled(command, matcher.highlight(command.title)),
                    partial(self._run, command),
                    text=command.title,
                    help=self._help(command),
                )
        for label, jump in self._jumps():
            if (score := matcher.match(label)) > 0:
                yield Hit(min(1.0, score), matcher.highlight(label), jump, text=label)

    def _possible(self, command: Command) -> bool:
        return possible(self.app, command, self.screen)

    def _help(self, command: Command) -> str:
        """What it does; before that, what it needs while it cannot be done."""
        if self._possible(command):
            return command.help
        return f"Needs {lacking(command)}. {command.help}"

    def _labelled(self, command: Command, title: Content) -> Content:
        keys = keys_text(command, self._app.keymap)
        if not self._possible(command):
            title = Content.styled(title.plain, "$footer-description-foreground")
        if not keys:
            return title
        return Content.assemble(title, "  ", (safe_line(keys, 40), "$footer-key-foreground"))

    def _jumps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        screen = self._workspace
        if screen is None:
            return
        for assistant in screen.catalogue.assistants:
            label = f"assistant: {safe_line(assistant_name(assistant), 80)}"
            yield label, partial(screen.catalogue.choose, assistant.id)
        for thread in screen.shelf.threads[:JUMPS]:
            yield f"thread: {thread_title(thread)[:80]}", partial(screen.show_thread, thread)

    async def _run(self, command: Command) -> None:
        self._app.workspace.recent.note(command.id)
        await carry_out(self.app, command)
