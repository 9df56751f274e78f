"""Which panes a terminal of some width has room for."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal

Pane = Literal["lists", "conversation", "files"]

TWO_PANES = 80
"""Columns from which a second pane is beside the conversation."""
THREE_PANES = 110
"""Columns from which all three are side by side."""


def visible_panes(width: int, wanted: Pane, folded: Set[Pane]) -> frozenset[Pane]:
    """The panes to show in ``width`` columns.

    ``wanted`` is the pane the user went to last, ``folded`` are those folded away by hand. With
    room for one pane it is the wanted one; with room for two the conversation has the lists
    beside it, or the files when these are wanted.
    """
    if width < TWO_PANES:
        return frozenset({wanted})
    beside: list[Pane] = ["lists", "files"]
    if width < THREE_PANES:
        beside = ["files"] if wanted == "files" else ["lists"]
    return frozenset({"conversation", *(pane for pane in beside if pane not in folded)})
