"""Making and changing an assistant: every field of it, checked while it is typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static, TextArea

from services.records import Assistant, AssistantDraft, ServiceError
from tui.commands import bindings
from tui.screens.assistant_draft import INSTRUCTIONS, FormValues, draft_of, problems, values_of
from tui.screens.assistant_fields import FieldError
from tui.screens.assistant_offers import BUILTIN, EFFORTS, FORMATS, Offers, options
from tui.screens.dialogs import ConfirmScreen
from tui.screens.page import Work
from tui.text import content, safe, safe_line
from tui.widgets.check_list import CheckList
from tui.widgets.choice import Choice

if TYPE_CHECKING:
    from services.workspace import Workspace

Field = TypeVar("Field", bound=Widget)
CHECK_AFTER = 0.12
"""Seconds without a key before the fields are checked."""
INPUTS = {
    "name": "name",
    "model": "model",
    "description": "description",
    "temperature": "temperature",
    "top-p": "top_p",
    "max-results": "max_results",
    "score-threshold": "score_threshold",
}
AREAS = {name: name for name in ("instructions", "functions", "schema", "metadata")}
"""Ids of the widgets, with the names of the values that they hold."""


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
        self._offers = Offers(workspace)
        self._before = FormValues()
        self._saving = False
        self._loaded = False
        self._tried = False
        """Whether saving was tried: before that, an empty field is not a mistake."""
        self._shown: dict[str, tuple[str, str]] = {}
        """For each field what it showed at first, and what that stands for in the store."""
        self._complaints: dict[str, Static] = {}
        self._checking: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="form") as form:
            form.border_title = "New assistant" if self._assistant is None else "Edit assistant"
            with VerticalScroll(id="fields", can_focus=False):
                yield _line("name", "Name", "Research Assistant")
                yield _line("model", "Model", "Name of a model; Enter finds one")
                yield _line("description", "Description", "Optional")
                yield _area("instructions", "Instructions", "What it should know, how to answer")
                with Horizontal(classes="pair"):
                    yield _line("temperature", "Temperature", "0 to 2; 1 when empty")
                    yield _line("top-p", "Top P", "0 to 1; 1 when empty")
                yield _select("reasoning", "Reasoning effort", EFFORTS)
                yield _titled(CheckList(id="tools"), "Tools of the server")
                with Horizontal(id="search-settings", classes="pair"):
                    yield _line("max-results", "Most passages found", "1 to 50")
                    yield _line("score-threshold", "Least score of a passage", "0 to 1")
                yield _titled(
                    CheckList(single=True, empty="None there", id="stores"),
                    "Vector store that file search looks into",
                )
                yield _titled(
                    CheckList(empty="None there", id="files"), "Files of the code interpreter"
                )
                yield _titled(CheckList(id="local"), "Functions of your functions folder")
                yield _area(
                    "functions",
                    "Functions written by hand, as JSON",
                    '[{"name": "...", "description": "...", "parameters": {...}}]',
                )
                yield Static("", id="kept", markup=False)
                yield _select("format", "Form of the answers", FORMATS)
                yield _area(
                    "schema",
                    "JSON schema of the answers",
                    '{"name": "...", "strict": true, "schema": {"type": "object", ...}}',
                )
                yield _area("metadata", "Metadata", "name = value, a line for each pair")
            yield Static("", id="problem", markup=False)
            with Horizontal(id="form-buttons"):
                yield Choice("Save", "^s", id="save")
                yield Choice("Cancel", "esc", id="cancel")

    # Filling

    def on_mount(self) -> None:
        self.query_one("#tools", CheckList).show_checks(BUILTIN, ())
        self._fill(values_of(self._assistant, (), self._workspace.connection.default_model))
        self._load()

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        """What the server and the functions folder offer; the form works without."""
        await self._offers.load()
        if self._values() == self._before:
            self._fill(
                values_of(
                    self._assistant,
                    self._offers.local,
                    self._workspace.connection.default_model,
                )
            )
        self._offer()
        self._loaded = True
        self._show_problem(" ".join(self._offers.problems))

    def _fill(self, values: FormValues) -> None:
        self._before = values
        for id, name in INPUTS.items():
            value = getattr(values, name)
            shown = safe_line(value)
            self._shown[id] = (shown, value)
            with self.prevent(Input.Changed):
                self.query_one(f"#{id}", Input).value = shown
        for id, name in AREAS.items():
            self._put(id, getattr(values, name))
        self._choose("reasoning", EFFORTS, values.reasoning)
        self._choose("format", FORMATS, values.format)
        self.query_one("#tools", CheckList).show_checks(BUILTIN, values.tools)
        if values.kept:
            names = " and ".join(safe_line(tool.kind.replace("_", " "), 40) for tool in values.kept)
            kept = content(f"It also has {names}, which stays as it is.")
            self.query_one("#kept", Static).update(kept)
        self.query_one("#kept").display = bool(values.kept)
        self._offer(values)
        self._before = self._values()
        self._fit()

    def _put(self, id: str, text: str) -> None:
        area = self.query_one(f"#{id}", TextArea)
        with self.prevent(TextArea.Changed):
            area.text = safe(text)
        self._shown[id] = (area.text, text)

    def _choose(self, id: str, known: dict[str, str], value: str) -> None:
        """A value that is not known is one more that can be chosen."""
        select = self.query_one(f"#{id}", Select)
        with self.prevent(Select.Changed):
            if value not in known:
                select.set_options(options(known | {value: safe_line(value, 40)}))
            select.value = value

    def _offer(self, values: FormValues | None = None) -> None:
        """The lists to tick in; what is ticked stays."""
        values = values or self._values()
        for id, checks, ticked in (
            ("local", self._offers.functions(), values.local),
            ("stores", self._offers.stores(values.stores), values.stores),
            ("files", self._offers.files(values.files), values.files),
        ):
            self.query_one(f"#{id}", CheckList).show_checks(checks, ticked)
        self.query_one("#local").display = bool(self._offers.local)

    def _fit(self) -> None:
        """Fields that say nothing now are not there."""
        tools = self.query_one("#tools", CheckList).ticked
        stores, files = self.query_one("#stores", CheckList), self.query_one("#files", CheckList)
        self.query_one("#search-settings").display = "file_search" in tools
        stores.display = "file_search" in tools or bool(stores.ticked)
        files.display = "code_interpreter" in tools or bool(files.ticked)
        self.query_one("#schema").display = self._selected("format") == "json_schema"

    # Reading

    def _typed(self, id: str) -> str:
        """The field's text; one that was not touched stands for exactly what is stored."""
        field = self.query_one(f"#{id}")
        text = field.value if isinstance(field, Input) else ""
        if isinstance(field, TextArea):
            text = field.text
        shown, stored = self._shown.get(id, ("", ""))
        return stored if text == shown else text

    def _selected(self, id: str) -> str:
        value = self.query_one(f"#{id}", Select).value
        return value if isinstance(value, str) else ""

    def _ticked(self, id: str) -> frozenset[str]:
        return self.query_one(f"#{id}", CheckList).ticked

    def _values(self) -> FormValues:
        texts = {name: self._typed(id) for id, name in (INPUTS | AREAS).items()}
        return FormValues(
            **texts,
            reasoning=self._selected("reasoning"),
            format=self._selected("format"),
            tools=self._ticked("tools"),
            stores=self._ticked("stores"),
            files=self._ticked("files"),
            local=self._ticked("local") if self._loaded else self._before.local,
            kept=self._before.kept,
            search_options=self._before.search_options,
            other_format=self._before.other_format,
        )

    # Checking

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Select.Changed)
    @on(CheckList.Changed)
    def _changed(self) -> None:
        self._fit()
        if self._checking is not None:
            self._checking.stop()
        self._checking = self.set_timer(CHECK_AFTER, self._check)

    def _check(self) -> list[FieldError]:
        """Say beside each field what is wrong with it; all that is."""
        found = problems(self._values(), self._offers.local)
        told = {error.field: str(error) for error in reversed(found) if self._tells(error)}
        for id in {*told, *self._complaints}:
            self._complain(id, told.get(id, ""))
        count = len(self.query_one("#instructions", TextArea).text)
        self.query_one("#instructions").border_subtitle = f"{count:,} of {INSTRUCTIONS:,}"
        return found

    def _tells(self, error: FieldError) -> bool:
        return self._tried or not error.missing

    def _complain(self, id: str, sentence: str) -> None:
        complaint = self._complaints.get(id)
        if complaint is None and sentence:
            field = self.query_one(f"#{id}")
            above = field.parent if isinstance(field.parent, Horizontal) else field
            complaint = self._complaints[id] = Static("", classes="complaint", markup=False)
            assert isinstance(above, Widget)
            self.query_one("#fields").mount(complaint, after=above)
        if complaint is not None:
            complaint.update(content(sentence, "$text-error"))
            complaint.display = bool(sentence)
        self.query_one(f"#{id}").set_class(bool(sentence), "-wrong")

    def _show_problem(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(content(sentence, "bold $error"))

    # Keys

    @on(Input.Submitted, "#model")
    def _model_wanted(self) -> None:
        self.action_find_model()

    def action_find_model(self) -> None:
        from tui.screens.model_picker import ModelPicker

        def chosen(model: str | None) -> None:
            if model:
                self._shown["model"] = (safe_line(model), model)
                self.query_one("#model", Input).value = safe_line(model)

        current = self._typed("model").strip()
        self.app.push_screen(ModelPicker(self._workspace.models, current=current), chosen)

    def action_open_editor(self) -> None:
        focused = self.focused
        area = focused if isinstance(focused, TextArea) else self.query_one("#instructions")
        edited: Work = partial(self._edit, str(area.id))
        self.run_worker(edited, group="editor", exclusive=True)

    async def _edit(self, id: str) -> None:
        from tui.screens.editor import EditorError, edit

        try:
            self._put(id, await edit(self.app, self._typed(id)))
        except EditorError as error:
            self._show_problem(str(error))
        else:
            self._show_problem("")
            self._changed()

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if not self._saving:
            self._submit()

    @work(exclusive=True, group="save")
    async def _submit(self) -> None:
        self._saving = self._tried = True
        self._show_problem("")
        try:
            wrong = self._check()
            if wrong:
                told = "Not saved yet: "
                told += str(wrong[0]) if len(wrong) == 1 else f"{len(wrong)} fields are in the way."
                self._show_problem(told)
                self.query_one(f"#{wrong[0].field}").focus()
                return
            await self._save(draft_of(self._values(), self._offers.local, self._assistant))
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


def _titled(field: Field, title: str) -> Field:
    field.border_title = title
    return field


def _line(id: str, title: str, placeholder: str) -> Input:
    return _titled(Input(id=id, placeholder=placeholder), title)


def _area(id: str, title: str, placeholder: str) -> TextArea:
    area = TextArea(
        id=id, highlight_cursor_line=False, tab_behavior="focus", placeholder=content(placeholder)
    )
    return _titled(area, title)


def _select(id: str, title: str, known: dict[str, str]) -> Select[str]:
    select = Select(options(known), allow_blank=False, id=id, compact=True)
    return _titled(select, title)
