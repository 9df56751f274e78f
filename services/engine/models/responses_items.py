"""Which output item of a response an event is about, however the server numbers and names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.engine.models.recalled_thoughts import Thought


@dataclass(slots=True)
class OutputItem:
    """``seen``: of every part, by its kind and number, how many characters came already."""

    number: int
    kind: str
    seen: dict[tuple[str, int], int] = field(default_factory=dict)
    opened: bool = False
    done: bool = False
    named: bool = False
    thought: Thought | None = None

    def unseen(self, part: tuple[str, int], text: object) -> str:
        """What of a whole text did not come before; from now on it did."""
        if not isinstance(text, str):
            return ""
        before = self.seen.get(part, 0)
        self.seen[part] = max(before, len(text))
        return text[before:]


class OutputItems:
    """The items in the order in which they began.

    Servers leave out the index, give every item index 0, or send another id with every event: an
    id that is known counts most, then the index, then what is being written.
    """

    def __init__(self) -> None:
        self._items: list[OutputItem] = []
        self._by_index: dict[int, OutputItem] = {}
        self._by_id: dict[str, OutputItem] = {}

    def __iter__(self) -> Iterator[OutputItem]:
        return iter(self._items)

    def kinds(self) -> set[str]:
        return {item.kind for item in self._items}

    def find(
        self, kind: str, event: Mapping[str, Any], item_id: object, *, opens: bool = False
    ) -> OutputItem:
        """The item an event names; a new one if there is none, or if the event ``opens`` one."""
        index = event.get("output_index")
        index = index if isinstance(index, int) and not isinstance(index, bool) else None
        item_id = item_id if isinstance(item_id, str) else ""
        item = self._by_id.get(item_id)
        if item is None or item.kind != kind:
            item = self._by_index.get(index) if index is not None else None
        if item is None or item.kind != kind:
            last = self._items[-1] if self._items else None
            fits = last is not None and last.kind == kind and not last.done
            item = last if fits and index in (None, 0) else None
        if item is None or (opens and item.opened):
            item = OutputItem(len(self._items), kind)
            self._items.append(item)
        if index is not None:
            self._by_index[index] = item
        if item_id and (opens or not item.opened):
            self._by_id[item_id] = item
        item.opened = item.opened or opens
        return item
