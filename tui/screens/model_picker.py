"""Choosing a model: one the endpoint lists, the assistant's own, or any name that is typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from textual import work

from services.records import ServiceError
from tui.screens.picker import Pick, PickScreen, ranked

OWN = ""
"""The value of the assistant's own model."""


class ModelPicker(PickScreen):
    """Ends with a model's name, ``OWN``, or None when the user went back."""

    def __init__(
        self,
        list_models: Callable[[], Awaitable[Sequence[str]]],
        *,
        own: str | None = None,
        current: str = OWN,
        title: str = "Choose a model",
    ) -> None:
        """``own`` is the assistant's model, where going back to it is a choice."""
        self._list_models = list_models
        self._own = () if own is None else (Pick(OWN, f"{own}, the assistant's own"),)
        picks = [*self._own]
        if current and current != own:
            picks.append(Pick(current, current))
        placeholder = "Some letters of a model's name, or a name of your own"
        super().__init__(picks, current=current, title=title, placeholder=placeholder)

    def on_mount(self) -> None:
        super().on_mount()
        self.note("Asking the endpoint for its models …")
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        try:
            models = await self._list_models()
        except ServiceError as error:
            self.note(f"{error.sentence} A name can still be typed.")
            return
        listed = [Pick(name, name) for name in models]
        unlisted = [pick for pick in self.picks[len(self._own) :] if pick.value not in set(models)]
        self.picks = (*self._own, *unlisted, *listed)
        count = len(listed)
        self.note(f"{count:,} model{'' if count == 1 else 's'} at the endpoint.")
        before = self.rows.cursor_key
        self.offer()
        if before is not None:
            self.rows.move_cursor_to(before)

    def fitting(self) -> list[Pick]:
        query = self.query_text
        found = ranked(self.picks, query)
        if query and all(pick.name != query for pick in self.picks):
            found.append(Pick(query, query, "as typed"))
        elif query:
            # A name that is typed in full comes first, whatever else holds its letters.
            found.sort(key=lambda pick: pick.name != query)
        return found
