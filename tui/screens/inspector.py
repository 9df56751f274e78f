"""Looking into a run: its steps on a time line, its tokens, and what the model was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from services.records import Run, ServiceError
from tui.commands import bindings
from tui.screens.inspection_text import (
    BAR,
    Line,
    bar,
    details_of,
    lines_of,
    mark,
    seconds_text,
    usage_text,
    whole_span,
)
from tui.text import content, for_clipboard, safe, safe_line
from tui.widgets.row_list import Row, RowList
from tui.widgets.status_footer import StatusFooter
from tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from services.inspection import RunReport, ThreadFigures
    from services.workspace import Workspace

SIDE_BY_SIDE = 100
"""Columns from which the details are beside the list."""


class StepList(RowList):
    """Tells when another row is highlighted; Enter goes to its details."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "select", "Details", show=False),
    ]

    def watch_cursor(self) -> None:
        super().watch_cursor()
        screen = self.screen
        if isinstance(screen, Inspector):
            screen.show_details()


class Inspector(Screen[None]):
    """The newest run first; earlier ones are a key away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("inspector"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]
    AUTO_FOCUS = "StepList"
    DEFAULT_CSS = """
    Inspector {
        background: $background;
        #inspector-title { height: 1; padding: 0 1; }
        #inspector-body { height: 1fr; layout: vertical; }
        StepList, TextPane {
            border: round $border-blurred;
            border-title-color: $footer-description-foreground;
            &:focus {
                border: heavy $border;
                border-title-color: $accent;
                border-title-style: bold;
            }
        }
        StepList { height: auto; min-height: 4; max-height: 40%; }
        TextPane { height: 1fr; }
        &.-wide #inspector-body { layout: horizontal; }
        &.-wide StepList { width: 52; height: 1fr; max-height: 100%; }
        &.-wide TextPane { width: 1fr; }
    }
    """

    def __init__(self, workspace: Workspace, thread_id: str, names: Mapping[str, str]) -> None:
        """``names`` are the assistants' by id."""
        super().__init__()
        self._workspace = workspace
        self._conversation = thread_id
        self._names = names
        self._runs: tuple[Run, ...] = ()
        self._at = 0
        self._report: RunReport | None = None
        self._figures: ThreadFigures | None = None
        self._lines: list[Line] = []
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Static("Reading the run …", id="inspector-title", markup=False)
        with Container(id="inspector-body"):
            steps = StepList(empty="No steps", id="steps")
            steps.border_title = "Steps and requests"
            yield steps
            yield TextPane(id="details")
        yield StatusFooter()

    def on_mount(self) -> None:
        self._load()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= SIDE_BY_SIDE, "-wide")
        self.call_after_refresh(self._draw_rows)

    @property
    def steps(self) -> StepList:
        return self.query_one(StepList)

    # Reading

    @work(exclusive=True, group="runs")
    async def _load(self) -> None:
        try:
            before = self._runs[self._at].id if self._runs else ""
            self._runs = await self._workspace.inspection.runs(self._conversation)
        except ServiceError as error:
            self._tell(error.sentence)
            return
        if not self._runs:
            self._tell("There is no run in this thread yet.")
            return
        ids = [run.id for run in self._runs]
        self._at = ids.index(before) if before in ids else 0
        self._read()

    @work(exclusive=True, group="report")
    async def _read(self) -> None:
        run = self._runs[self._at]
        try:
            report = await self._workspace.inspection.report(self._conversation, run.id)
        except ServiceError as error:
            self._tell(error.sentence)
            return
        self._show(report)
        try:
            self._figures = await self._workspace.inspection.figures(self._conversation)
        except ServiceError as error:
            self.notify(safe(error.sentence), severity="warning", markup=False)
        else:
            self.show_details()

    def _tell(self, sentence: str) -> None:
        self.query_one("#inspector-title", Static).update(content(sentence, "bold"))

    def _show(self, report: RunReport) -> None:
        self._report = report
        self._lines = lines_of(report)
        self._draw_title()
        self._draw_rows()
        self.show_details()
        self.refresh_bindings()

    # Drawing

    def _draw_title(self) -> None:
        report = self._report
        assert report is not None
        run = report.run
        sign, _ = mark(run.status)
        asked = safe_line(run.model, 40)
        answered = ", ".join(safe_line(name, 40) for name in report.models)
        parts = [
            f"Run {len(self._runs) - self._at} of {len(self._runs)}",
            f"{sign} {run.status.replace('_', ' ')}",
            seconds_text(report.seconds) if report.seconds is not None else "",
            usage_text(run.usage),
            asked if answered in ("", asked) else f"{asked} → {answered}",
        ]
        told = " · ".join(part for part in parts if part)
        self.query_one("#inspector-title", Static).update(content(told, "bold"))

    def _draw_rows(self) -> None:
        if not self._lines or not self.is_mounted:
            return
        whole = whole_span(self._lines)
        width = self.steps.scrollable_content_region.width
        titles = [safe_line(line.title, 40) for line in self._lines]
        title_width = min(22, max(map(cell_len, titles)))
        figure_width = max(len(line.figures) for line in self._lines)
        room = width - title_width - figure_width - 8
        rows = []
        for line, title in zip(self._lines, titles, strict=True):
            sign, tone = mark(line.status)
            cut = Content(title).truncate(title_width, ellipsis=True, pad=True).plain
            drawn = bar(line.span, whole, room) if line.span and room >= BAR else ""
            rows.append(Row(line.key, f"{sign} {cut} {drawn}", line.figures, tone))
        self.steps.show_rows(rows)

    def show_details(self) -> None:
        """The details of the highlighted row."""
        if self._report is None:
            return
        key = self.steps.cursor_key or "run"
        name = self._names.get(self._report.run.assistant_id, "")
        parts = details_of(self._report, key, name, self._figures)
        # The first heading is the pane's title.
        text = "\n\n".join([parts[0][1], *(f"{heading}\n{told}" for heading, told in parts[1:])])
        details = self.query_one(TextPane)
        details.border_title = Content(safe_line(parts[0][0], 60))
        if text != self._shown:
            self._shown = text
            details.show(text, frozenset(safe(heading) for heading, _ in parts))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "walk" and parameters:
            at = self._at + int(str(parameters[0]))
            return 0 <= at < len(self._runs)
        if action == "next_request":
            return self._report is not None and bool(self._report.requests)
        return True

    def action_walk(self, step: int) -> None:
        at = self._at + step
        if 0 <= at < len(self._runs):
            self._at = at
            self._read()

    def action_next_request(self) -> None:
        keys = [line.key for line in self._lines if line.key.startswith("request/")]
        if not keys:
            return
        current = self.steps.cursor_key
        at = keys.index(current) + 1 if current in keys else 0
        self.steps.move_cursor_to(keys[at % len(keys)])

    @on(RowList.Selected)
    def _row_selected(self, event: RowList.Selected) -> None:
        event.stop()
        self.query_one(TextPane).focus()

    def action_copy(self) -> None:
        """What is shown; of a request only its body, which is what one pastes elsewhere."""
        report, key = self._report, self.steps.cursor_key or "run"
        if report is None:
            return
        text = self._shown
        if key.startswith("request/"):
            text = details_of(report, key, "", None)[-1][1]
        self.app.copy_to_clipboard(for_clipboard(text))
        self.notify("Sent to the terminal's clipboard.", markup=False)

    def action_refresh_run(self) -> None:
        self._load()

    def action_close(self) -> None:
        self.dismiss(None)
