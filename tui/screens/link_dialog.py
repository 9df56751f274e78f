"""Where a link goes, before anything is opened."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from services.records import ServiceError
from tui.screens.dialogs import DIALOG_CSS
from tui.text import content, safe_line, visible
from tui.transcript.links import Destination, Link, examine
from tui.widgets.choice import Choice

Choosing = tuple[Literal["open", "copy"], str]
"""What to do, and the address to do it with."""


class LinkScreen(ModalScreen[Choosing | None]):
    """One link, looked at closely; the focus is on what changes nothing."""

    DEFAULT_CSS = (
        "LinkScreen {"
        + DIALOG_CSS
        + """
    #dialog { width: 84; }
    #link-about { height: auto; max-height: 16; }
    }"""
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "dismiss(None)", "Back", show=False),
        Binding("c", "take('copy')", "Copy", show=False),
        Binding("o", "take('open')", "Open", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._destination = examine(link)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Where this link goes"
            with VerticalScroll(id="link-about", can_focus=False):
                yield Static(self._about(self._destination), markup=False)
            with Horizontal(id="dialog-buttons"):
                yield Choice("Back", "n", id="back")
                yield Choice("Copy", "c", id="copy")
                if self._destination.url:
                    yield Choice("Open", "o", id="open")

    def _about(self, destination: Destination) -> Content:
        dim = "$footer-description-foreground"
        lines = []
        if destination.scheme:
            lines.append(Content.assemble(("scheme  ", dim), safe_line(destination.scheme, 20)))
        if destination.host:
            host = visible(destination.host)
            if destination.ascii_host != destination.host:
                host = f"{visible(destination.ascii_host)}  (written {host})"
            lines.append(Content.assemble(("host    ", dim), (host, "bold")))
        lines += [Content(""), Content(visible(self._link.target))]
        if destination.warnings or destination.refusal:
            lines.append(Content(""))
        lines += [content(f"! {each}", "$text-warning") for each in destination.warnings]
        if destination.refusal:
            lines.append(content(destination.refusal, "$text-error"))
        return Content("\n").join(lines)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "back":
            self.dismiss(None)
        else:
            self.action_take("open" if event.button.id == "open" else "copy")

    def action_take(self, what: Literal["open", "copy"]) -> None:
        if what == "copy":
            self.dismiss(("copy", self._link.target))
        elif self._destination.url:
            self.dismiss(("open", self._destination.url))


class LinksScreen(ModalScreen[Link | None]):
    """Which of several links is meant."""

    DEFAULT_CSS = (
        "LinksScreen {"
        + DIALOG_CSS
        + """
    #dialog { width: 84; }
    OptionList { height: auto; max-height: 14; border: none; background: $surface; padding: 0; }
    }"""
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self, links: Sequence[Link]) -> None:
        super().__init__()
        self._links = links

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = f"{len(self._links)} links"
            yield OptionList(*(Option(self._line(link)) for link in self._links), markup=False)

    @staticmethod
    def _line(link: Link) -> Content:
        shown = safe_line(visible(link.target), 300)
        if link.text.strip() in ("", link.target):
            return Content(shown)
        text = safe_line(link.text, 40)
        return Content.assemble((text, "bold"), (f"  {shown}", "$footer-description-foreground"))

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._links[event.option_index])


async def open_link(url: str) -> None:
    """Hand an address to the system's program for it, without a shell; nobody waits for it.

    Raises:
        ServiceError: there is no such program, or it says that it failed at once.
    """
    if sys.platform == "win32":
        await asyncio.to_thread(os.startfile, url)
        return
    program = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            url,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ServiceError(
            f"The link was not opened: {program} cannot be started here. It can be copied instead."
        ) from error
    try:
        async with asyncio.timeout(3):
            status = await process.wait()
    except TimeoutError:
        return  # the browser itself: it goes on without us
    if status:
        raise ServiceError(
            f"The link was not opened: {program} failed (exit status {status}). It can be copied "
            "instead."
        )
