"""Rows that are ticked or not; the tick is a sign, not only a colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.row_list import Row, RowList


@dataclass(frozen=True, slots=True)
class Check:
    """One row, its texts safe for a terminal; one that is not ``enabled`` cannot be ticked."""

    key: str
    text: str
    enabled: bool = True
    aside: str = ""


class CheckList(RowList):
    """Space, Enter or a click ticks a row. With ``single`` a tick takes the other one away."""

    DEFAULT_CSS = """
    CheckList { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Tick", show=False),
    ]

    class Changed(Message):
        """Other rows are ticked."""

    def __init__(self, *, single: bool = False, empty: str = "", id: str | None = None) -> None:
        super().__init__(empty=empty, id=id)
        self._single = single
        self._checks: tuple[Check, ...] = ()
        self._ticked: set[str] = set()

    @property
    def ticked(self) -> frozenset[str]:
        """Keys of the ticked rows."""
        return frozenset(self._ticked)

    def show_checks(self, checks: Sequence[Check], ticked: Iterable[str]) -> None:
        """Replace all rows."""
        self._checks = tuple(checks)
        self._ticked = {one.key for one in checks if one.enabled} & set(ticked)
        self._draw()
        self.refresh(layout=True)

    def tick(self, key: str) -> None:
        """Tick the row, or take its tick away."""
        if any(one.key == key and one.enabled for one in self._checks):
            self._ticked = {*(self._ticked & {key} if self._single else self._ticked)} ^ {key}
            self._draw()
            self.post_message(self.Changed())

    def _draw(self) -> None:
        self.show_rows(
            [Row(one.key, f"{self._box(one)} {one.text}", one.aside) for one in self._checks]
        )

    def _box(self, check: Check) -> str:
        if not check.enabled:
            return "[-]"
        return "[x]" if check.key in self._ticked else "[ ]"

    @on(RowList.Selected)
    def _selected(self, event: RowList.Selected) -> None:
        event.stop()
        self.tick(event.key)
