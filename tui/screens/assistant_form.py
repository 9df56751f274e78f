"""Making and changing an assistant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from services.records import Assistant, AssistantDraft, LocalFunction, ServiceError
from tui.commands import bindings
from tui.screens.assistant_draft import FieldError, FormValues, draft_of, values_of
from tui.screens.dialogs import ConfirmScreen
from tui.text import content, safe, safe_line
from tui.widgets.check_list import Check, CheckList
from tui.widgets.choice import Choice

if TYPE_CHECKING:
    from services.workspace import Workspace

DIM = "$footer-description-foreground"
WidgetType = TypeVar("WidgetType", bound=Widget)
OFFERED = 200
"""Models listed at once; typing narrows them."""


def _titled(field: WidgetType, title: str) -> WidgetType:
    """The field with its name in its border."""
    field.border_title = title
    return field


class AssistantForm(ModalScreen[None]):
    """Stays open until it is saved or left; an error of the service leaves every field as it is."""

    CSS_PATH = "assistant_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("form")
    AUTO_FOCUS = "#name"

    def __init__(
        self,
        workspace: Workspace,
        assistant: Assistant | None,
        save: Callable[[AssistantDraft], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self._assistant = assistant
        self._save = save
        self._local: tuple[LocalFunction, ...] = ()
        self._models: tuple[str, ...] = ()
        self._before = FormValues()
        self._saving = False
        self._loaded = False
        self._fitting: list[str] = []
        self._shown: dict[str, tuple[str, str]] = {}
        """For each field what it showed at first, and what that stands for in the store."""

    def compose(self) -> ComposeResult:
        with Vertical(id="form") as form:
            form.border_title = "New assistant" if self._assistant is None else "Edit assistant"
            with VerticalScroll(id="fields", can_focus=False):
                yield _titled(Input(id="name", placeholder="Research Assistant"), "Name")
                yield _titled(Input(id="model", placeholder="Name of a model"), "Model")
                yield _titled(OptionList(id="models", markup=False, compact=True), "Models here")
                yield _titled(Input(id="description", placeholder="Optional"), "Description")
                yield _titled(
                    TextArea(
                        id="instructions",
                        highlight_cursor_line=False,
                        tab_behavior="focus",
                        placeholder="What it should know and how it should answer",
                    ),
                    "Instructions",
                )
                with Horizontal(id="numbers"):
                    yield _titled(
                        Input(id="temperature", placeholder="0 to 2, or the model's own"),
                        "Temperature",
                    )
                    yield _titled(
                        Input(id="top-p", placeholder="0 to 1, or the model's own"), "Top P"
                    )
                yield _titled(CheckList(id="local"), "Functions of your functions folder")
                yield Static("", id="local-note", markup=False)
                yield _titled(
                    TextArea(
                        id="functions",
                        highlight_cursor_line=False,
                        tab_behavior="focus",
                        placeholder='[{"name": "...", "description": "...", "parameters": {...}}]',
                    ),
                    "Functions written by hand, as JSON",
                )
                yield Static("", id="kept", markup=False)
            yield Static("", id="problem", markup=False)
            with Horizontal(id="form-buttons"):
                yield Choice("Save", "^s", id="save")
                yield Choice("Cancel", "esc", id="cancel")

    def on_mount(self) -> None:
        self._fill(values_of(self._assistant, (), self._workspace.connection.default_model))
        self._load()

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        """What the endpoint and the functions folder offer; the form works without either."""
        try:
            self._local = await self._workspace.local_functions()
        except ServiceError as error:
            self._note("local-note", error.sentence)
        if self._values() == self._before:
            self._fill(
                values_of(self._assistant, self._local, self._workspace.connection.default_model)
            )
        self._offer_functions()
        self._loaded = True
        try:
            self._models = await self._workspace.models()
        except ServiceError as error:
            self._show_problem(error.sentence)
        self._offer_models()

    def _fill(self, values: FormValues) -> None:
        self._before = values
        for field, value in (
            ("name", values.name),
            ("model", values.model),
            ("description", values.description),
            ("temperature", values.temperature),
            ("top-p", values.top_p),
        ):
            shown = safe_line(value)
            self._shown[field] = (shown, value)
            with self.prevent(Input.Changed):
                self.query_one(f"#{field}", Input).value = shown
        for field, value in (
            ("instructions", values.instructions),
            ("functions", values.functions),
        ):
            area = self.query_one(f"#{field}", TextArea)
            area.text = safe(value)
            self._shown[field] = (area.text, value)
        if values.kept:
            names = " and ".join(tool.kind.replace("_", " ") for tool in values.kept)
            self._note("kept", f"It also has {names}, which stays as it is.")
        self._before = self._values(values.local)

    def _offer_functions(self) -> None:
        checks = [
            Check(
                one.tool.name,
                f"{safe_line(one.tool.name, 64)}  "
                f"{safe_line(one.problem or one.tool.description, 120)}",
                enabled=not one.problem,
            )
            for one in self._local
        ]
        offered = self.query_one("#local", CheckList)
        offered.show_checks(checks, self._before.local)
        offered.display = bool(checks)
        if not self._local:
            self._note("local-note", "No functions in your functions folder.")

    def _offer_models(self) -> None:
        offered = self.query_one("#models", OptionList)
        typed = self.query_one("#model", Input).value.strip().casefold()
        fitting = [name for name in self._models if typed in name.casefold()]
        if typed in (name.casefold() for name in self._models):
            fitting = list(self._models)
        self._fitting = fitting[:OFFERED]
        offered.clear_options()
        offered.add_options([Option(content(safe_line(name, 200))) for name in self._fitting])
        offered.highlighted = 0 if self._fitting else None
        self._show_models()

    def on_descendant_focus(self) -> None:
        self._show_models()

    def _show_models(self) -> None:
        """The list of models is there while a model is being chosen."""
        focused = self.focused
        choosing = focused is not None and focused.id in ("model", "models")
        self.query_one("#models").display = choosing and bool(self._fitting)

    def _note(self, id: str, sentence: str) -> None:
        self.query_one(f"#{id}", Static).update(content(sentence, DIM))

    def _show_problem(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(content(sentence, "bold $error"))

    def _values(self, local: frozenset[str] | None = None) -> FormValues:
        def typed(id: str) -> str:
            """The field's text; one that was not touched stands for exactly what is stored."""
            field = self.query_one(f"#{id}")
            text = field.text if isinstance(field, TextArea) else ""
            if isinstance(field, Input):
                text = field.value
            shown, stored = self._shown.get(id, ("", ""))
            return stored if text == shown else text

        if local is None:
            local = self._before.local
            if self._loaded:
                local = self.query_one("#local", CheckList).ticked
        return FormValues(
            name=typed("name"),
            model=typed("model"),
            description=typed("description"),
            instructions=typed("instructions"),
            temperature=typed("temperature"),
            top_p=typed("top-p"),
            local=local,
            functions=typed("functions"),
            kept=self._before.kept or values_of(self._assistant, (), "").kept,
        )

    @on(Input.Changed, "#model")
    def _model_typed(self) -> None:
        self._offer_models()

    @on(OptionList.OptionSelected, "#models")
    def _model_chosen(self, event: OptionList.OptionSelected) -> None:
        self.query_one("#model", Input).value = self._fitting[event.option_index]
        self.query_one("#description", Input).focus()

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if not self._saving:
            self._submit()

    @work(exclusive=True, group="save")
    async def _submit(self) -> None:
        self._saving = True
        self._show_problem("")
        try:
            await self._save(draft_of(self._values(), self._local))
        except FieldError as error:
            self._show_problem(str(error))
            self.query_one(f"#{error.field}").focus()
        except ServiceError as error:
            self._show_problem(f"{error.sentence} Nothing you typed is lost.")
        else:
            self.dismiss(None)
        finally:
            self._saving = False

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        if self._values() == self._before:
            self.dismiss(None)
            return

        def answered(leave: bool | None) -> None:
            if leave:
                self.dismiss(None)

        question = Content("Leave the form? What you changed in it is not saved.")
        self.app.push_screen(
            ConfirmScreen("Unsaved changes", question, yes="Leave", no="Stay"), answered
        )
