"""What the terminal around the app is told: its window's title, and a sign when nobody looks.

A sign is given only while the terminal says that it is not in front, never twice for the same
thing, and at most once in ``QUIET`` seconds: what comes meanwhile is told together at their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from services.records import ACTIVE_STATUSES, Notify, RunStatus
from tui.text import safe_line

QUIET = 5.0
"""Seconds between two signs."""
NO_SEQUENCES = ("", "dumb", "linux", "vt52", "vt100", "cons25")
"""Values of TERM whose terminals have no title and may draw the sequence for one."""
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"

_ENDS: Mapping[str, str] = {
    "completed": "has an answer",
    "requires_action": "waits for your decision",
    "failed": "failed",
    "expired": "expired",
    "incomplete": "was cut off",
}


def sign_of(wanted: Notify, environment: Mapping[str, str]) -> Notify:
    """How this terminal is told; never ``auto``."""
    if wanted != "auto":
        return wanted
    if environment.get("TMUX") or environment.get("STY"):
        return "bell"  # multiplexers hand on the bell, and keep the others to themselves
    if environment.get("KITTY_WINDOW_ID") or environment.get("TERM_PROGRAM") in (
        "iTerm.app",
        "WezTerm",
        "ghostty",
    ):
        return "osc9"
    if environment.get("TERM", "").startswith(("foot", "rxvt-unicode")):
        return "osc777"
    return "bell"


def has_title(environment: Mapping[str, str]) -> bool:
    """Whether the terminal has a window whose title can be set."""
    return environment.get("TERM", "") not in NO_SEQUENCES


@dataclass(slots=True)
class _Known:
    title: str
    status: RunStatus | None


@runtime_checkable
class AttentiveApp(Protocol):
    """An app that tells its terminal how things stand."""

    attention: Attention


class Attention:
    """Knows the state of every thread whose run this app follows."""

    def __init__(
        self,
        write: Callable[[str], None],
        later: Callable[[float, Callable[[], None]], object],
        clock: Callable[[], float],
        *,
        notify: Notify,
        title: bool,
    ) -> None:
        """``write`` sends to the terminal, ``later`` calls after some seconds; ``notify`` is what
        ``sign_of`` gave, ``title`` whether the window's title may be set."""
        self._write = write
        self._later = later
        self._clock = clock
        self._notify = notify
        self._may_title = title
        self._known: dict[str, _Known] = {}
        self._waiting: dict[str, str] = {}  # by thread, what was not told yet
        self._armed = False
        self._last = float("-inf")
        self._title = ""
        self._shown = ""
        self.title_saved = False
        """Whether the terminal keeps the title that was there before."""
        self.away = False
        """Whether the terminal said that it is not in front."""

    def thread_changed(self, thread_id: str, title: str, status: RunStatus | None) -> None:
        """A run of the thread changed its state; ``title`` need not be safe."""
        known = self._known.get(thread_id)
        before = known.status if known is not None else None
        self._known[thread_id] = _Known(title, status)
        said = _ENDS.get(status or "", "")
        if said and before != status and (before is None or before in ACTIVE_STATUSES):
            self._tell(thread_id, f"{safe_line(title, 60) or 'A thread'} {said}")
        self._paint()

    def shows(self, title: str) -> None:
        """The conversation on the screen has this title; it need not be safe."""
        self._shown = title
        self._paint()

    def came_back(self) -> None:
        """The terminal is in front again: whoever looks needs no sign."""
        self.away = False
        self._waiting.clear()

    # A sign

    def _tell(self, thread_id: str, sentence: str) -> None:
        if not self.away or self._notify == "off":
            return
        self._waiting[thread_id] = sentence
        wait = self._last + QUIET - self._clock()
        if wait <= 0:
            self._send()
        elif not self._armed:
            self._armed = True
            self._later(wait, self._send)

    def _send(self) -> None:
        self._armed = False
        if not self._waiting:
            return
        told = list(self._waiting.values())
        self._waiting.clear()
        self._last = self._clock()
        text = told[-1] if len(told) == 1 else f"{told[-1]}, and {len(told) - 1} more"
        match self._notify:
            case "osc9":
                self._write(f"\x1b]9;Understudy: {text}\x07")
            case "osc777":
                self._write(f"\x1b]777;notify;Understudy;{text.replace(';', ',')}\x07")
            case _:
                self._write("\x07")

    # The title

    def _paint(self) -> None:
        if not self._may_title:
            return
        states = [known.status for known in self._known.values()]
        shown = safe_line(self._shown, 60)
        title = f"{shown} - Understudy" if shown else "Understudy"
        if "requires_action" in states:
            title = f"! decide: {title}"
        elif any(state in ACTIVE_STATUSES for state in states if state is not None):
            title = f"● working: {title}"
        if title == self._title:
            return
        if not self.title_saved:
            self.title_saved = True
            self._write(SAVE_TITLE)
        self._title = title
        self._write(f"\x1b]2;{title}\x07")

    def farewell(self) -> str:
        """What puts the terminal's own title back; empty if it was never changed."""
        return RESTORE_TITLE if self.title_saved else ""
