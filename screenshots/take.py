"""Pictures of the real app: started headless over a workspace in a temporary home, as SVG files.

    python -m screenshots.take [FOLDER]

Everything on the pictures comes from the app and its built-in ``rehearsal`` model; no network, no
key and nothing of the user's own is involved.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.pilot import Pilot

from tui.app import UnderstudyApp
from tui.screens.workspace import WorkspaceScreen

if TYPE_CHECKING:
    from services.workspace import Workspace

SIZE = (122, 41)
PATIENCE = 60.0
"""Seconds a step of the story may take before the pictures are given up."""

EARLIER = ("What is a run step?", "Words for the release", "Hello!")
CALLS_A_FUNCTION = "How many days_between start 2026-01-01 and end 2026-11-22?"
SHOWS_CODE = "Show me some code."
REPORT = """# Third quarter

Revenue grew 18 percent against the second quarter, mostly from new subscriptions.

Churn rose to 4.1 percent; exit interviews name the missing mobile app.

The finding to act on first: onboarding mails cut support tickets by a third.
"""
ASKS_THE_REPORT = "What did exit interviews name, and what happened to churn?"

FONTS = "'Fira Code', 'Cascadia Code', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
"""What a picture is drawn with where it is looked at; nothing is fetched for it."""


def self_contained(picture: str) -> str:
    """The SVG file without the fonts that Textual's template loads from elsewhere."""
    picture = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", picture)
    return picture.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")


def workspace_at_home() -> Workspace:
    """The app's own workspace, in the home the environment names."""
    from services.workspace import Workspace

    return Workspace.at_home()


class Photographer:
    """The running app, and where its pictures go."""

    def __init__(self, app: UnderstudyApp, pilot: Pilot[None], folder: Path) -> None:
        self.app = app
        self._pilot = pilot
        self._folder = folder
        self.taken: list[Path] = []

    @property
    def screen(self) -> WorkspaceScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, WorkspaceScreen)
        return screen

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Let the app work until ``condition`` holds; raises TimeoutError naming ``what``."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    await self._pilot.pause()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for {what}") from None

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        for _ in range(4):
            await self._pilot.pause()

    async def ask(self, text: str) -> None:
        """Write and send a message; returns when its run has ended or waits for a decision."""
        self.screen.composer.insert(text)
        await self.press("enter")
        await self.until(lambda: self.screen.flow.page.session is not None, "the run")
        await self.until(
            lambda: not self.screen.flow.active or self.screen.decision is not None, "an answer"
        )
        await self.press()

    def shown(self) -> str:
        """The text on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def shoot(self, name: str) -> None:
        """Write the screen as ``name``.svg."""
        await self.press()
        picture = self_contained(self.app.export_screenshot(title="Understudy"))
        path = self._folder / f"{name}.svg"
        await asyncio.to_thread(path.write_text, picture, encoding="utf-8")
        self.taken.append(path)


async def take(
    folder: Path, make_workspace: Callable[[], Workspace] = workspace_at_home
) -> list[Path]:
    """Play the story and write its pictures into ``folder``, which exists; returns the files."""
    app = UnderstudyApp(make_workspace())
    async with app.run_test(size=SIZE) as pilot:
        camera = Photographer(app, pilot, folder)
        await camera.until(lambda: camera.screen.header.state == "ready", "the connection")
        await camera.press("f5")  # no files to show
        for question in EARLIER:
            await camera.ask(question)
            await camera.press("ctrl+n")
        await camera.ask(CALLS_A_FUNCTION)
        await camera.until(lambda: camera.screen.decision is not None, "a decision to be asked")
        await camera.shoot("approval")
        card = camera.screen.card
        assert card is not None
        await camera.until(card.ready_to_decide, "the end of the grace")
        await camera.press("y")
        await camera.until(lambda: not camera.screen.flow.active, "the answer")
        await camera.ask(SHOWS_CODE)
        await camera.shoot("conversation")
        await camera.press("f8")
        await camera.shoot("conversation-light")
        await camera.press("f8")
        await ask_the_report(camera)
        camera.screen.action_new_assistant()
        await camera.until(lambda: len(app.screen_stack) == 2, "the form")
        await camera.press(*"Research Assistant")
        await camera.shoot("assistant")
        await camera.press("escape", "y", "f1")
        await camera.until(lambda: len(app.screen_stack) == 2, "the help")
        await camera.shoot("help")
    return camera.taken


async def ask_the_report(camera: Photographer) -> None:
    """A file is attached and cited; its run is looked into; its words are searched for."""
    await camera.press("ctrl+n")
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.md"
        await asyncio.to_thread(report.write_text, REPORT, encoding="utf-8")
        await camera.screen.attach(str(report))
        await camera.ask(ASKS_THE_REPORT)
    await camera.press("f5")
    await camera.shoot("citations")
    await camera.press("f5", "alt+i")
    await camera.until(lambda: len(camera.app.screen_stack) == 2, "the inspector")
    await camera.until(lambda: "request 2" in camera.shown(), "the requests")
    await camera.shoot("inspector")
    await camera.press("escape", "alt+s", *"churn")
    await camera.until(lambda: "churn" in camera.shown(), "the search")
    await camera.shoot("search")
    await camera.press("escape")


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="understudy-pictures-") as home:
        for name in [name for name in os.environ if name.startswith("UNDERSTUDY_")]:
            del os.environ[name]
        os.environ["UNDERSTUDY_HOME"] = home
        for path in asyncio.run(take(folder)):
            print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
