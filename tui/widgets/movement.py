"""Movement by letters, the same in every list and text that is not written in."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def movement(
    *, up: str, down: str, page: str, half: str, edge: str, lines: bool = True
) -> list[BindingType]:
    """Bindings of arrows, pages and Vim's letters for a widget's own actions.

    ``page``, ``half`` and ``edge`` are action names that take -1 or 1; without ``lines``, ``j``
    and ``k`` are left to the widget.
    """
    own = (",k", ",j") if lines else ("", "")
    return [
        Binding(f"up{own[0]}", up, "Up", show=False),
        Binding(f"down{own[1]}", down, "Down", show=False),
        Binding("pageup", f"{page}(-1)", "Page up", show=False),
        Binding("pagedown", f"{page}(1)", "Page down", show=False),
        Binding("ctrl+u", f"{half}(-1)", "Half a page up", show=False),
        Binding("ctrl+d", f"{half}(1)", "Half a page down", show=False),
        Binding("home,g", f"{edge}(-1)", "First", show=False),
        Binding("end,G", f"{edge}(1)", "Last", show=False),
    ]
