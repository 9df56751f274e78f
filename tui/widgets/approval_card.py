"""The card on which a function call is decided: beside the transcript, which stays scrollable.

A decision never happens by accident. The focus is on Deny; keys do nothing until there was a pause
of ``grace`` seconds since the card was drawn and since the last key typed into that pause, so that
somebody in the middle of a sentence decides nothing; pasted text is dropped; running is only
possible once the end of the arguments was on screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from services.records import Answer, ApprovalRequest, Approve, Decision, Deny
from tui.commands import bindings
from tui.text import content, visible
from tui.widgets import approval_text
from tui.widgets.choice import Choice
from tui.widgets.entry_field import EntryField
from tui.widgets.literal_view import LiteralView


class ApprovalCard(Vertical):
    """Shows one request at a time. Hidden while there is none; one line while parked."""

    wall_clock = staticmethod(time.time)
    """Seconds since the epoch, for the countdown."""
    grace: ClassVar[float] = 0.6
    """Seconds without a key before a key may decide."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("approval"),
        # The arguments scroll from the choices too.
        *(
            Binding(key, f"arguments('{move}')", show=False)
            for key, move in (
                ("up", "scroll_up"),
                ("down", "scroll_down"),
                ("pageup", "page_up"),
                ("pagedown", "page_down"),
                ("home", "scroll_home"),
                ("end", "scroll_end"),
            )
        ),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    ApprovalCard {
        display: none;
        height: auto;
        border: heavy $warning;
        border-title-color: $warning;
        border-title-style: bold;
        border-subtitle-color: $footer-description-foreground;
        padding: 0 1;
        &.-asking { display: block; }
        #approval-banner { display: none; height: 1; }
        &.-parked {
            border: none;
            padding: 0 1;
            background: $panel;
            #approval-banner { display: block; }
            #approval-body { display: none; }
        }
        #approval-body { height: auto; }
        #approval-arguments { max-height: 8; margin: 1 0 0 0; }
        #approval-note { height: 1; color: $footer-description-foreground; }
        #approval-warnings { display: none; }
        &.-warned #approval-warnings { display: block; }
        #approval-description { display: none; }
        &.-described #approval-description { display: block; }
        #approval-choices { height: 1; margin: 1 0 0 0; }
        &.-low #approval-arguments, &.-low #approval-choices { margin: 0; }
        &.-low #approval-reach, &.-low #approval-description {
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        &.-lowest #approval-reach, &.-lowest #approval-description { display: none; }
        &.-narrow #approval-choices { layout: grid; grid-size: 2 2; height: 2; }
        &.-narrow Choice.-style-default { margin: 0; }
        &.-typing #approval-choices { display: none; }
        #approval-entry { display: none; max-height: 6; }
        &.-typing #approval-entry { display: block; }
    }
    """

    class Decided(Message):
        """The user decided this call."""

        def __init__(self, request: ApprovalRequest, decision: Decision) -> None:
            super().__init__()
            self.request = request
            self.decision = decision

    class Parked(Message):
        """The user wants to decide later."""

    class FullViewWanted(Message):
        """The user wants to see the whole call."""

        def __init__(self, request: ApprovalRequest, assistant: str) -> None:
            super().__init__()
            self.request = request
            self.assistant = assistant

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, id: str | None = None
    ) -> None:
        """``clock`` tells seconds and never goes back."""
        super().__init__(id=id)
        self.clock = clock
        self.request: ApprovalRequest | None = None
        self._assistant = ""
        self._quiet_since = float("inf")
        self._entry_for: type[Answer] | type[Deny] = Deny
        self.seen = False
        """Whether the end of the arguments was on screen."""

    def compose(self) -> ComposeResult:
        yield Static(id="approval-banner", markup=False)
        with Vertical(id="approval-body"):
            yield Static(id="approval-head", markup=False)
            yield Static(id="approval-reach", markup=False)
            yield Static(id="approval-description", markup=False)
            yield LiteralView(id="approval-arguments")
            yield Static(id="approval-note", markup=False)
            yield Static(id="approval-warnings", markup=False)
            with Horizontal(id="approval-choices"):
                yield Choice("Deny", "n", id="choose-deny")
                yield Choice("Run once", "y", id="choose-once")
                yield Choice("Deny, say why", "r", id="choose-reason")
                yield Choice("Full view", "f", id="choose-full")
            yield EntryField(id="approval-entry")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    @property
    def parked(self) -> bool:
        return self.has_class("-parked")

    @property
    def typing(self) -> bool:
        """Whether a reason or a result is being typed."""
        return self.has_class("-typing")

    def ask(self, request: ApprovalRequest, assistant: str) -> None:
        """Show this call and take the focus; the grace starts when it is drawn."""
        if self.request is not None and self.request.call_id == request.call_id:
            return
        self.request = request
        self._assistant = assistant
        self.seen = False
        self._quiet_since = float("inf")
        self.border_title = "Decision needed"
        self._part("approval-head").update(approval_text.headline(request, assistant))
        self._part("approval-reach").update(approval_text.reach(request))
        self._part("approval-description").update(approval_text.described(request, 300))
        self._part("approval-warnings").update(approval_text.warned(request))
        self._part("approval-banner").update(self._banner(request))
        self.set_class(bool(request.warnings), "-warned")
        self.set_class(bool(request.description.strip()), "-described")
        self.remove_class("-parked", "-typing")
        self.add_class("-asking")
        once = self.query_one("#choose-once", Choice)
        once.name_it("Run once" if self._runnable else "Answer")
        once.disabled = self._runnable
        self.fit(self.screen.size.height)
        self.query_one(LiteralView).show(approval_text.arguments_of(request))
        self._tick()
        self.app.bell()
        self.query_one("#choose-deny", Choice).focus()
        self.call_after_refresh(self._drawn, request)

    def dismiss(self) -> None:
        """Nothing waits any more."""
        self.request = None
        self.remove_class("-asking", "-parked", "-typing")

    def fit(self, screen_height: int) -> None:
        """Leave room for the transcript on a low screen; the choices are never pushed out."""
        self.query_one(LiteralView).styles.max_height = max(2, min(12, screen_height // 3 - 4))
        self.set_class(screen_height < 30, "-low")
        self.set_class(screen_height < 20, "-lowest")
        self.call_after_refresh(self.query_one(LiteralView).look)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < 62, "-narrow")

    def resume(self) -> None:
        """Back from being parked; the grace starts again."""
        if self.request is not None:
            self.remove_class("-parked", "-typing")
            self._quiet_since = float("inf")
            self.query_one("#choose-deny", Choice).focus()
            self.call_after_refresh(self._drawn, self.request)

    def mark_seen(self) -> None:
        """The end of the arguments was on screen, here or in the full view."""
        self.seen = True
        self.query_one("#choose-once", Choice).disabled = False
        self._tell_position()

    @property
    def _runnable(self) -> bool:
        request = self.request
        return request is not None and request.runs_here and request.canonical is not None

    def _part(self, id: str) -> Static:
        return self.query_one(f"#{id}", Static)

    def _banner(self, request: ApprovalRequest) -> Content:
        return Content.assemble(
            ("! ", "bold $warning"),
            content(visible(request.tool), "bold"),
            " waits for your decision  ",
            ("F4", "bold $accent"),
            " to decide",
        )

    def _drawn(self, request: ApprovalRequest) -> None:
        if self.request is request and self._quiet_since == float("inf"):
            self._quiet_since = self.clock()

    def _tick(self) -> None:
        if self.request is not None:
            where = approval_text.place(self.request, self.wall_clock())
            self.border_subtitle = Content(where)

    @on(LiteralView.EndShown)
    def _end_shown(self) -> None:
        self.mark_seen()

    @on(LiteralView.Moved)
    def _tell_position(self) -> None:
        if self.request is None:
            return
        view = self.query_one(LiteralView)
        first, last = view.shown_lines
        size = approval_text.size_of(approval_text.arguments_of(self.request))
        note = f"arguments: {size}, lines {first}-{last} of {view.line_count}"
        if not self.seen and self._runnable:
            note += " - PgDn to the end before running"
        self._part("approval-note").update(Content(note))

    def ready_to_decide(self) -> bool:
        """Whether the card was drawn, and quiet for long enough."""
        return self.request is not None and self.clock() - self._quiet_since >= self.grace

    def on_key(self, event: events.Key) -> None:
        """A key that writes or confirms, typed in the grace, is dropped and keeps it open."""
        writes = event.is_printable or event.key in ("enter", "space")
        if writes and not self.typing and not self.ready_to_decide():
            self._restart_grace()
            event.stop()
            event.prevent_default()

    def _restart_grace(self) -> None:
        if self._quiet_since != float("inf"):
            self._quiet_since = self.clock()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("approve", "deny", "deny_with_reason", "full_view"):
            return self.request is not None and not self.typing and not self.parked
        if action == "park":
            return self.request is not None
        return True

    def _decide(self, decision: Decision) -> None:
        if self.request is not None:
            self.post_message(self.Decided(self.request, decision))

    def action_approve(self) -> None:
        if self.request is None or not self._checked():
            return
        if not self._runnable:
            self._type(Answer, "Type the function's result, then Enter")
        elif self.seen:
            self._decide(Approve(self.request.fingerprint))
        else:
            self.app.bell()

    def action_deny(self) -> None:
        if self._checked():
            self._decide(Deny())

    def action_deny_with_reason(self) -> None:
        if self._checked():
            self._type(Deny, "Say why not; the model reads it. Then Enter")

    def action_full_view(self) -> None:
        if self.request is not None:
            self.post_message(self.FullViewWanted(self.request, self._assistant))

    async def action_arguments(self, move: str) -> None:
        await self.query_one(LiteralView).run_action(move)

    def action_park(self) -> None:
        if self.typing:
            self.remove_class("-typing")
            self.query_one("#choose-deny", Choice).focus()
            return
        self.add_class("-parked")
        self.post_message(self.Parked())

    def _checked(self) -> bool:
        if self.ready_to_decide():
            return True
        self._restart_grace()
        return False

    def _type(self, kind: type[Answer] | type[Deny], hint: str) -> None:
        self._entry_for = kind
        entry = self.query_one(EntryField)
        entry.text = ""
        entry.hint(hint)
        self.add_class("-typing")
        entry.focus()

    @on(EntryField.Submitted)
    def _entered(self, event: EntryField.Submitted) -> None:
        event.stop()
        if self.request is None:
            return
        if self._entry_for is Answer:
            self._decide(Answer(self.request.fingerprint, event.text))
        else:
            self._decide(Deny(event.text.strip()))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {
            "choose-deny": self.action_deny,
            "choose-once": self.action_approve,
            "choose-reason": self.action_deny_with_reason,
            "choose-full": self.action_full_view,
        }
        actions[event.button.id or ""]()
