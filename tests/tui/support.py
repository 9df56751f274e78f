"""An app over a fake workspace, and waiting for what a test needs instead of for a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from services.records import Thread
from tests.tui.fake_workspace import NOW, FakeSession, FakeWorkspace
from tui.app import UnderstudyApp
from tui.screens.workspace import WorkspaceScreen
from tui.widgets.approval_card import ApprovalCard

PATIENCE = 10.0
"""Seconds after which a condition counts as never coming true; far more than any takes."""


async def wait_until(pilot: Pilot[None], condition: Callable[[], object], what: str = "") -> None:
    """Let the app work until ``condition`` holds."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"never came true: {what or condition}")
        await pilot.pause()
        await asyncio.sleep(0.001)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Driver:
    """One running app, with short names for what tests look at."""

    def __init__(self, app: UnderstudyApp, pilot: Pilot[None], workspace: FakeWorkspace) -> None:
        self.app = app
        self.pilot = pilot
        self.workspace = workspace
        self.clock = Clock()
        self.screen.clock = self.clock

    @property
    def screen(self) -> WorkspaceScreen:
        found = self.app.screen_stack[0]
        assert isinstance(found, WorkspaceScreen)
        return found

    @property
    def card(self) -> ApprovalCard:
        assert self.screen.card is not None, "nothing was asked yet"
        return self.screen.card

    @property
    def thread_id(self) -> str | None:
        return self.screen.flow.page.thread_id

    @property
    def session(self) -> FakeSession:
        assert self.thread_id is not None
        return self.workspace.runs.sessions[self.thread_id]

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        await wait_until(self.pilot, condition, what)

    async def settle(self) -> None:
        """Let everything that is under way arrive, where there is no condition to wait for."""
        for _ in range(5):
            await self.pilot.pause()

    async def ready(self) -> None:
        await self.until(lambda: self.screen.header.state == "ready", "the app is ready")

    async def say(self, text: str) -> None:
        """Type and send; waits until the run has started."""
        before = len(self.workspace.runs.sent)
        self.screen.composer.insert(text)
        await self.pilot.press("enter")
        await self.until(lambda: len(self.workspace.runs.sent) > before, "the message is sent")
        await self.until(lambda: self.screen.flow.page.session is not None, "the run is followed")

    async def open(self, thread_id: str) -> None:
        thread = self.screen.shelf.thread(thread_id)
        assert thread is not None
        self.screen.show_thread(thread)
        await self.until(
            lambda: (
                self.thread_id == thread_id and (thread_id, None) in self.workspace.threads.opened
            ),
            "the thread is open",
        )
        await self.settle()

    def entry(self, key: str) -> object:
        return self.screen.transcript.entry(key)

    def text(self, key: str) -> str:
        return getattr(self.entry(key), "text", "")

    def said(self) -> list[str]:
        """The toasts that were shown."""
        return [str(one.message) for one in self.app._notifications]

    def drawn(self) -> str:
        """Everything on the screen, as lines."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@asynccontextmanager
async def running(
    workspace: FakeWorkspace | None = None,
    *,
    size: tuple[int, int] = (120, 36),
    wait: bool = True,
    thread_id: str | None = None,
    resume: bool = False,
    toasts: bool = False,
) -> AsyncIterator[Driver]:
    """The app on the screen; with ``wait``, connected; with ``toasts``, they are drawn."""
    fake = workspace or FakeWorkspace()
    app = UnderstudyApp(fake, thread_id=thread_id, resume=resume)
    async with app.run_test(size=size, notifications=toasts) as pilot:
        driver = Driver(app, pilot, fake)
        if wait:
            await driver.ready()
        yield driver


def threads(count: int) -> tuple[Thread, ...]:
    """Threads ``thread_1`` and on, newest first."""
    return tuple(
        Thread(f"thread_{n}", f"Subject {n}", NOW - n * 60, NOW - n * 60, None, "asst_1")
        for n in range(1, count + 1)
    )


def focused_id(app: App[None]) -> str | None:
    focused: Widget | None = app.focused
    return focused.id if focused is not None else None
