"""The application: services in, screens out. Wiring, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme

from services.records import ServiceError
from tui.appearance import OWN, few_colours, meant_by, no_colours, suited, wants_ascii
from tui.attention import Attention, has_title, sign_of
from tui.command import Where
from tui.commands import BY_ID, bindings, keys_of, readable
from tui.keys import dealt
from tui.screens.page import Work
from tui.screens.places import place_of
from tui.screens.workspace import WorkspaceScreen
from tui.text import for_clipboard, safe
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
        self,
        workspace: Workspace,
        *,
        thread_id: str | None = None,
        resume: bool = False,
        environment: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> None:
        """``environment`` describes the terminal, as ``encoding`` does; without one it is taken
        for a terminal that can do everything."""
        surroundings = environment or {}
        # With a palette of the terminal's own, Textual leaves colours out instead of greying them.
        super().__init__(ansi_color=True if no_colours(surroundings) else None)
        self.workspace = workspace
        settings = workspace.settings
        self._first_thread = thread_id
        self._resume = resume
        self._broken = False
        self._signals: list[signal.Signals] = []
        for theme in THEMES:
            self.register_theme(theme)
        self._few_colours = few_colours(surroundings)
        self.theme = suited(
            settings.theme if settings.theme in self.available_themes else DEFAULT,
            chosen=settings.theme_chosen,
            few_colours=self._few_colours,
            environment=surroundings,
        )
        if wants_ascii(settings.marks, encoding, surroundings):
            from tui.marks import AsciiMarks

            self._filters.append(AsciiMarks())
        keys = dealt(settings.keymap)
        self.keymap = keys.keymap
        """The keys of every command, empty while the user changed none."""
        self._key_problems = keys.problems
        # Whoever tells a key tells the one that holds.
        workspace.settings = replace(settings, keymap=keys.keymap)
        self.set_keymap(dict(keys.keymap))
        self.attention = Attention(
            self._tell_terminal,
            lambda seconds, call: self.set_timer(seconds, call),
            time.monotonic,
            notify=sign_of(settings.notify, surroundings),
            title=settings.title and has_title(surroundings),
        )

    def get_default_screen(self) -> Screen[None]:
        return WorkspaceScreen(self.workspace, thread_id=self._first_thread, resume=self._resume)

    def on_mount(self) -> None:
        self._end_on_signals()
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        for problem in (*self.workspace.settings.problems, *self._key_problems):
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

    # The terminal around it

    def _tell_terminal(self, text: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    def on_app_blur(self) -> None:
        self.attention.away = True

    def on_app_focus(self) -> None:
        self.attention.came_back()

    def bell(self) -> None:
        if self.workspace.settings.notify != "off":
            super().bell()

    # Theme

    def _theme_chosen(self, theme: Theme) -> None:
        work: Work = partial(self._save_theme, meant_by(theme.name))
        self.run_worker(work, group="theme", exclusive=True)

    async def _save_theme(self, name: str) -> None:
        try:
            await self.workspace.save_theme(name)
        except ServiceError as error:
            self.notify(safe(error.sentence), severity="warning", markup=False)

    def action_toggle_light_dark(self) -> None:
        name = LIGHT.name if self.current_theme.dark else DARK.name
        self.theme = OWN[name] if self._few_colours else name

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
            self.push_screen(HelpScreen(self.keymap, self.place))

    def action_jump(self) -> None:
        from tui.screens.jump import JumpScreen, Target, targets_of

        if isinstance(self.screen, JumpScreen):
            self.screen.dismiss(None)
            return

        def chosen(target: Target | None) -> None:
            if target is not None:
                target.go()

        self.push_screen(JumpScreen(targets_of(self.screen)), chosen)

    @property
    def place(self) -> Where:
        """The place that has the focus, as the table of commands names places."""
        return place_of(self.screen)

    def action_copy_or_hint(self) -> None:
        """Ctrl+C never destroys anything: without a selection it tells how to leave."""
        if selected := self.screen.get_selected_text():
            self.copy_to_clipboard(for_clipboard(selected))
            self.notify("Sent to the terminal's clipboard.", markup=False)
            return
        quit_keys = keys_of(BY_ID["app.quit"], self.keymap)
        key = readable(quit_keys[0]) if quit_keys else "the palette"
        self.notify(f"Nothing is selected to copy. To quit, use {safe(key)}.", markup=False)
