"""The dialog that exports a thread: a name, and what to write it as."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from services.records import FileThere, ServiceError, Thread
from tui.screens.dialogs import DIALOG_CSS
from tui.screens.page import Work
from tui.text import content, safe_line, visible
from tui.widgets.choice import Choice
from tui.widgets.thread_list import thread_title

if TYPE_CHECKING:
    from services.workspace import Workspace

Format = Literal["markdown", "json", "html"]
FORMATS: dict[str, Format] = {"md": "markdown", "json": "json", "html": "html"}
LABELS: dict[Format, str] = {"markdown": "Markdown", "json": "JSON", "html": "HTML"}
DIM = "$footer-description-foreground"


class ExportScreen(ModalScreen[None]):
    """Enter writes what the name's ending says; a button changes the ending and writes.

    Never over a file unasked: for one that is there the same choice has to be made once more.
    """

    DEFAULT_CSS = (
        "ExportScreen {" + DIALOG_CSS + "#dialog { border-subtitle-color: " + DIM + "; } }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, workspace: Workspace, thread: Thread) -> None:
        super().__init__()
        self._workspace = workspace
        self._thread = thread
        self._warned = ""
        self._writing = False

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content("Export the thread")
            dialog.border_subtitle = Content("Enter writes · Esc goes back")
            yield Static(content(thread_title(self._thread), "bold"), markup=False)
            yield Input(self._name_for("markdown"), id="name", max_length=250)
            yield Static(
                content(f"In {visible(str(self._workspace.exports.folder))}", DIM),
                markup=False,
                id="export-note",
            )
            with Horizontal(id="dialog-buttons"):
                for format, label in LABELS.items():
                    yield Choice(label, "", id=format)

    def _name_for(self, format: Format) -> str:
        return self._workspace.exports.name_for(thread_title(self._thread), format)

    @on(Input.Changed)
    def _renamed(self, event: Input.Changed) -> None:
        event.stop()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        format = FORMATS.get(name.rpartition(".")[2].lower())
        if not name:
            self._tell("A file needs a name.")
        elif format is None:
            self._tell("End the name in .md, .json or .html, or choose one of the buttons.")
        else:
            self._write(name, format)

    @on(Button.Pressed)
    def _chosen(self, event: Button.Pressed) -> None:
        event.stop()
        format = next(each for each in LABELS if each == event.button.id)
        field = self.query_one(Input)
        name = field.value.strip()
        if name == self._name_for("markdown") or not name:
            name = self._name_for(format)
        elif FORMATS.get(name.rpartition(".")[2].lower()) != format:
            stem = name.rpartition(".")[0] if name.rpartition(".")[2] in FORMATS else name
            ending = next(end for end, each in FORMATS.items() if each == format)
            name = f"{stem}.{ending}"
        field.value = name
        self._write(name, format)

    def _write(self, name: str, format: Format) -> None:
        if not self._writing:
            self._writing = True
            work: Work = partial(self._export, name, format)
            self.run_worker(work, group="export")

    async def _export(self, name: str, format: Format) -> None:
        try:
            path = await self._workspace.exports.thread(
                self._thread, name, format, replace=self._warned == name
            )
        except FileThere as error:
            self._warned = name
            self._tell(f"{error.sentence} Choose it once more to replace it, or change the name.")
        except ServiceError as error:
            self._tell(error.sentence)
        else:
            self.notify(f"Exported to {safe_line(str(path))}", markup=False)
            self.dismiss(None)
        finally:
            self._writing = False

    def _tell(self, sentence: str) -> None:
        self.query_one("#export-note", Static).update(content(sentence, "$warning"))
