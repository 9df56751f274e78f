"""Heights of many things one below the other, and which of them is at a given line."""

from __future__ import annotations

from collections.abc import Iterable


class Heights:
    """A list of heights (lines) with running sums: a Fenwick tree.

    Changing one, finding an offset and finding what is at an offset take O(log n); appending takes
    O(log n); replacing the whole list O(n).
    """

    __slots__ = ("_tree", "_values")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._values = list(values)
        tree = [0, *self._values]
        for at in range(1, len(tree)):
            above = at + (at & -at)
            if above < len(tree):
                tree[above] += tree[at]
        self._tree = tree

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: int) -> int:
        return self._values[index]

    @property
    def total(self) -> int:
        return self.offset(len(self._values))

    def offset(self, index: int) -> int:
        """The sum of the heights before ``index``."""
        total = 0
        tree = self._tree
        while index > 0:
            total += tree[index]
            index &= index - 1
        return total

    def set(self, index: int, height: int) -> None:
        change = height - self._values[index]
        if not change:
            return
        self._values[index] = height
        tree = self._tree
        at = index + 1
        while at < len(tree):
            tree[at] += change
            at += at & -at

    def append(self, height: int) -> None:
        self._values.append(height)
        at = len(self._values)
        self._tree.append(height + self.offset(at - 1) - self.offset(at & (at - 1)))

    def truncate(self, length: int) -> None:
        """Drop everything from ``length`` on."""
        del self._values[length:]
        del self._tree[length + 1 :]

    def find(self, line: int) -> tuple[int, int]:
        """Which one is at ``line``, and the line within it. Clamped to the first and the last.

        Raises ``IndexError`` when there is nothing.
        """
        if not self._values:
            raise IndexError("no heights")
        index = 0
        rest = max(0, line)
        tree = self._tree
        step = 1 << (len(self._values).bit_length() - 1)
        while step:
            ahead = index + step
            if ahead < len(tree) and tree[ahead] <= rest:
                index = ahead
                rest -= tree[ahead]
            step >>= 1
        if index >= len(self._values):
            index = len(self._values) - 1
            return index, max(0, self._values[index] - 1)
        return index, rest
