"""The part of the workspace on which function calls are decided, and work beside the screen."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from services.records import ApprovalRequest, ServiceError
from tui.screens.catalogue import Catalogue
from tui.screens.conversation import ConversationFlow
from tui.screens.page import Work
from tui.screens.workspace_layout import WorkspaceLayout
from tui.text import safe
from tui.transcript.entries import Severity

if TYPE_CHECKING:
    from tui.widgets.approval_card import ApprovalCard


class DecisionDesk(WorkspaceLayout):
    """Shows the card for the first call that waits; what is decided goes to the flow."""

    clock = staticmethod(time.monotonic)
    """Seconds of a clock that never goes back; tests put their own in."""

    flow: ConversationFlow
    catalogue: Catalogue

    def __init__(self) -> None:
        super().__init__()
        self._making_card = False

    # Work beside the screen

    def spawn(self, work: Work, group: str) -> None:
        """Run beside the screen; a new work of a group replaces the old one."""
        self.run_worker(work, group=group, exclusive=True)

    def attempt(self, work: Work, group: str = "") -> None:
        """Run beside the screen; what goes wrong is told. Without a group nothing replaces it."""
        attempted: Work = partial(self._attempt, work)
        self.run_worker(attempted, group=group or "attempt", exclusive=bool(group))

    async def _attempt(self, work: Work) -> None:
        try:
            await work()
        except ServiceError as error:
            self.say(error.sentence, "error")

    def say(self, sentence: str, severity: Severity = "information") -> None:
        self.notify(safe(sentence), severity=severity, markup=False)

    def show_decision(self) -> None:
        if self.flow.pending and self.card is not None:
            self._ask(self.card)
        elif self.flow.pending and not self._making_card:
            self._making_card = True
            self.spawn(self._make_card, "card")
        elif self.decision is not None and self.card is not None:
            had_focus = self.card.has_focus_within
            self.card.dismiss()
            if had_focus:
                self.composer.focus()

    async def _make_card(self) -> None:
        # Most conversations never need the card: it is imported and mounted for the first one.
        from tui.widgets.approval_card import ApprovalCard

        card = ApprovalCard(clock=self.clock, id="approval")
        await self.query_one("#conversation").mount(card, after=self.transcript)
        self.card = card
        self._ask(card)

    def _ask(self, card: ApprovalCard) -> None:
        session, pending = self.flow.page.session, self.flow.pending
        if session is not None and pending:
            answering = self.catalogue.assistant(session.assistant_id)
            card.ask(pending[0], answering.name if answering else "")
            self.refresh_bindings()

    @property
    def decision(self) -> ApprovalRequest | None:
        """The call the card asks about, None while there is none."""
        return self.card.request if self.card is not None else None

    def on_approval_card_decided(self, event: ApprovalCard.Decided) -> None:
        self.attempt(partial(self.flow.decide, event.request, event.decision))

    def on_approval_card_parked(self) -> None:
        self.composer.focus()

    def on_approval_card_full_view_wanted(self, event: ApprovalCard.FullViewWanted) -> None:
        from tui.screens.approval_view import ApprovalView

        def closed(seen: bool | None) -> None:
            if seen and self.card is not None and self.card.request is event.request:
                self.card.mark_seen()

        self.app.push_screen(ApprovalView(event.request, event.assistant), closed)

    def action_return_to_decision(self) -> None:
        if self.card is not None:
            self.unfold("conversation")
            self.card.resume()
