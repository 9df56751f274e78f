"""The application: services in, screens out. Wiring, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme

from services.records import ServiceError
from tui.commands import BY_ID, bindings, keys_of, readable
from tui.screens.page import Work
from tui.screens.workspace import WorkspaceScreen
from tui.text import safe
from tui.themes import DARK, DEFAULT, LIGHT, THEMES

if TYPE_CHECKING:
    from textual.command import Provider

    from services.workspace import Workspace


QUIT_PATIENCE = 3.0
"""Seconds that a message on its way may hold up leaving."""


def _command_provider() -> type[Provider]:
    """The palette is imported when it is opened."""
    from tui.screens.palette import CommandProvider

    return CommandProvider


class UnderstudyApp(App[None], inherit_bindings=False):
    """The full-screen client over a workspace.

    ``return_code`` after ``run()`` is 0, 1 after an error, 128 + n after signal n.
    """

    TITLE = "Understudy"
    COMMANDS: ClassVar = {_command_provider}
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self, workspace: Workspace, *, thread_id: str | None = None, resume: bool = False
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self._first_thread = thread_id
        self._resume = resume
        self._broken = False
        self._signals: list[signal.Signals] = []
        for theme in THEMES:
            self.register_theme(theme)
        wanted = workspace.settings.theme
        self.theme = wanted if wanted in self.available_themes else DEFAULT
        self.set_keymap({id: keys for id, keys in workspace.settings.keymap.items() if id in BY_ID})

    def get_default_screen(self) -> Screen[None]:
        return WorkspaceScreen(self.workspace, thread_id=self._first_thread, resume=self._resume)

    def on_mount(self) -> None:
        self._end_on_signals()
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        for problem in self.workspace.settings.problems:
            self.notify(safe(problem), severity="warning", markup=False, timeout=15)

    async def on_unmount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.remove_signal_handler(number)
        self._signals.clear()
        with contextlib.suppress(ServiceError):  # the app is leaving: nobody is there to read it
            await self.workspace.close()

    # How it ends

    async def action_quit(self) -> None:
        """Leave, but not before a message that was just sent is on disk."""
        self.run_worker(self._leave(), group="leave", exclusive=True)

    async def _leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIT_PATIENCE):
                for screen in self.screen_stack:
                    if isinstance(screen, WorkspaceScreen):
                        await screen.composer.settled.wait()
        self.exit()

    def _end_on_signals(self) -> None:
        """Leave in order when told to: without this the terminal would stay as it is."""
        loop = asyncio.get_running_loop()
        # SIGINT is another program's: Ctrl+C is a key here.
        for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT"):
            number = getattr(signal, name, None)
            if number is None:
                continue
            # Windows' loops and loops outside the main thread have no signal handlers.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._end_by_signal, number)
                self._signals.append(number)

    def _end_by_signal(self, number: signal.Signals) -> None:
        self.exit(return_code=128 + number)

    def _handle_exception(self, error: Exception) -> None:
        """Textual's own version prints a traceback with the values of locals: keys, messages."""
        self._return_code = 1
        if self._broken:
            return
        self._broken = True
        self._exception = error
        cast(asyncio.Event, self.__dict__.get("_exception_event", asyncio.Event())).set()
        # A worker's failure wraps the error that says what happened.
        inner = getattr(error, "error", None)
        cause = inner if isinstance(inner, BaseException) else error
        written = self.workspace.record_crash(cause)
        where = f"The details are in {written}." if written else "The details could not be written."
        self._exit_renderables.append(
            Text(f"Understudy ran into an error of its own and had to stop. {safe(where)}")
        )
        self._close_messages_no_wait()

    # Theme

    def _theme_chosen(self, theme: Theme) -> None:
        work: Work = partial(self._save_theme, theme.name)
        self.run_worker(work, group="theme", exclusive=True)

    async def _save_theme(self, name: str) -> None:
        try:
            await self.workspace.save_theme(name)
        except ServiceError as error:
            self.notify(safe(error.sentence), severity="warning", markup=False)

    def action_toggle_light_dark(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    # Other actions

    def action_command_palette(self) -> None:
        from textual.command import CommandPalette

        if not CommandPalette.is_open(cast(App[object], self)):
            self.push_screen(
                CommandPalette(placeholder="Find a command, a thread, an assistant", id="palette")
            )

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.workspace.settings.keymap))

    def action_copy_or_hint(self) -> None:
        """Ctrl+C never destroys anything: without a selection it tells how to leave."""
        if selected := self.screen.get_selected_text():
            self.copy_to_clipboard(selected)
            self.notify("Sent to the terminal's clipboard.", markup=False)
            return
        quit_keys = keys_of(BY_ID["app.quit"], self.workspace.settings.keymap)
        key = readable(quit_keys[0]) if quit_keys else "the palette"
        self.notify(f"Nothing is selected to copy. To quit, use {safe(key)}.", markup=False)
