"""The part of the workspace on which it is settled who answers next, and with which model."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from services.records import Assistant, AssistantDraft, ImportReport, ServiceError
from tui.commands import BY_ID, keys_text
from tui.screens.decision_desk import DecisionDesk
from tui.screens.entries import figures
from tui.text import safe_line
from tui.widgets.assistant_list import assistant_name
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from services.workspace import Workspace

SUM_UP_AFTER = 0.4
"""Seconds after a thread was opened or a run ended, in which the screen has better things to do."""
TOLD = 8
"""Sentences of an import that are shown; a file may hold hundreds of assistants."""


class AssistantDesk(DecisionDesk):
    """Choosing, making, changing, deleting assistants; choosing a thread's model."""

    _workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._summed: tuple[str | None, bool] = (None, False)
        """The thread whose figures were asked for last, and whether it was answering then."""
        self._figures_of: str | None = None

    # Who answers

    def assistant_meant(self) -> Assistant | None:
        """The highlighted assistant while the list has the focus, else the one that answers."""
        if self.assistant_list.has_focus:
            return self.catalogue.assistant(self.assistant_list.cursor_key)
        return self.catalogue.answering

    def assistants_changed(self) -> None:
        answering = self.catalogue.answering
        self.header.assistant = answering.name if answering else ""
        self.header.connection = self._workspace.connection.label
        self.composer.address(answering.name if answering else "")
        self.show_model()

    def show_model(self) -> None:
        """The model that answers next, in the header, and what the thread has come to so far."""
        chosen = self._workspace.thread_models.of(self.flow.page.thread_id)
        if chosen is not None:
            self.header.model = f"{safe_line(chosen, 40)} in this thread"
        else:
            self.header.model = self._own_model()

        shown = (self.flow.page.thread_id, self.flow.active)
        if shown != self._summed:
            self._summed = shown
            self._sum_up()

    def _sum_up(self) -> None:
        """Read what the thread has come to, a moment after it was opened or a run ended."""
        thread_id, active = self._summed
        if thread_id != self._figures_of:
            self.header.thread = ""
        self.workers.cancel_group(self, "figures")
        if thread_id is not None and not active and self._workspace.connection.ready:
            self.set_timer(SUM_UP_AFTER, partial(self._read_figures, thread_id))

    def _read_figures(self, thread_id: str) -> None:
        if self._summed == (thread_id, False):
            self.spawn(partial(self._show_figures, thread_id), "figures")

    async def _show_figures(self, thread_id: str) -> None:
        try:
            sums = await self._workspace.inspection.figures(thread_id)
        except ServiceError:
            return  # the conversation is there without them; the inspector tells what is wrong
        if self.flow.page.thread_id == thread_id and sums.runs > 1:
            self._figures_of = thread_id
            self.header.thread = f"{sums.runs:,} runs · {figures(sums.usage, sums.seconds)}"

    def _own_model(self) -> str:
        answering = self.catalogue.answering
        return answering.model if answering else self._workspace.connection.default_model

    @on(RowList.Selected, "#assistants")
    def _assistant_selected(self, event: RowList.Selected) -> None:
        self.catalogue.choose(event.key)
        self.go_to("composer")

    def action_switch_assistant(self) -> None:
        from tui.screens.picker import Pick, PickScreen

        answering = self.catalogue.answering
        picks = [Pick(one.id, assistant_name(one), one.model) for one in self.catalogue.assistants]
        screen = PickScreen(
            picks, current=answering.id if answering else "", title="Switch the assistant"
        )
        self.app.push_screen(screen, self._switched)

    def _switched(self, id: str | None) -> None:
        if id is not None:
            self.catalogue.choose(id)

    def action_choose_model(self) -> None:
        from tui.screens.model_picker import OWN, ModelPicker

        thread_id = self.flow.page.thread_id
        screen = ModelPicker(
            self._workspace.models,
            own=self._own_model(),
            current=self._workspace.thread_models.of(thread_id) or OWN,
            title="Choose the model for this thread",
        )

        def chosen(model: str | None) -> None:
            if model is not None:
                self.attempt(partial(self._choose_model, thread_id, model or None))

        self.app.push_screen(screen, chosen)

    async def _choose_model(self, thread_id: str | None, model: str | None) -> None:
        try:
            await self._workspace.thread_models.choose(thread_id, model)
        finally:
            self.show_model()

    # Making, changing, deleting

    def action_new_assistant(self) -> None:
        self._open_form(None)

    def action_edit_assistant(self) -> None:
        if (assistant := self.assistant_meant()) is not None:
            self._open_form(assistant)

    def _open_form(self, assistant: Assistant | None) -> None:
        # The form is not needed at start, and neither is the time to import it.
        from tui.screens.assistant_form import AssistantForm

        async def save(draft: AssistantDraft) -> None:
            await self.catalogue.save(assistant, draft)

        self.app.push_screen(AssistantForm(self._workspace, assistant, save))

    def action_duplicate_assistant(self) -> None:
        self._with_meant(self._duplicate)

    async def _duplicate(self, assistant: Assistant) -> None:
        made = await self.catalogue.duplicate(assistant)
        self.say(f"Made {_named(made)}, with every field of {_named(assistant)}.")

    def action_delete_assistant(self) -> None:
        if (assistant := self.assistant_meant()) is None:
            return
        self.catalogue.delete(assistant, self._still_there)
        undo = keys_text(BY_ID["assistant.undo_delete"], self._workspace.settings.keymap)
        where = f"{undo} in the list" if undo else "The palette"
        self.say(f"Deleted: {_named(assistant)}. {where} brings it back for a while.")
        self.refresh_bindings()

    def _still_there(self, error: ServiceError) -> None:
        self.say(error.sentence, "error")
        self.attempt(self.catalogue.load, "assistants")

    def action_undelete_assistant(self) -> None:
        self.attempt(self._undelete)

    async def _undelete(self) -> None:
        if (back := await self.catalogue.undelete()) is None:
            self.say("There is no deleted assistant to bring back.", "warning")
        else:
            self.say(f"Back again: {_named(back)}.")
        self.refresh_bindings()

    # Looking into a run

    def action_inspect_run(self) -> None:
        from tui.screens.inspector import Inspector

        if (thread_id := self.flow.page.thread_id) is not None:
            self.app.push_screen(Inspector(self._workspace, thread_id, self.catalogue.names))

    # Files

    def action_export_assistant(self) -> None:
        self._with_meant(self._export)

    async def _export(self, assistant: Assistant) -> None:
        path = await self._workspace.assistant_files.write_out(assistant.id, Path.cwd())
        self.say(f"Written: {path}")

    def action_export_assistants(self) -> None:
        self.attempt(self._export_all)

    async def _export_all(self) -> None:
        path = await self._workspace.assistant_files.write_out_all(Path.cwd())
        self.say(f"Written: {path}")

    def action_import_assistants(self) -> None:
        self.attempt(self._import)

    async def _import(self) -> None:
        from tui.screens.dialogs import LineScreen

        hint = "The path of a JSON file: an assistant, a list, or a page of the API."
        named = await self.app.push_screen_wait(LineScreen("Import assistants", "", hint=hint))
        if not named:
            return
        self._tell_import(await self.catalogue.bring_in(Path(named)))

    def _tell_import(self, report: ImportReport) -> None:
        count = len(report.made)
        names = ", ".join(_named(one) for one in report.made[:5]) + (", …" if count > 5 else "")
        if count:
            self.say(f"Made {count} assistant{'' if count == 1 else 's'}: {names}.")
        for sentences, severity in ((report.notes, "warning"), (report.failures, "error")):
            told = [safe_line(sentence, 300) for sentence in sentences[:TOLD]]
            if more := len(sentences) - len(told):
                told.append(f"{more} more of this kind are not shown.")
            if told:
                self.say("\n".join(told), "error" if severity == "error" else "warning")

    # What can be done now

    def _with_meant(self, work: Callable[[Assistant], Coroutine[object, object, None]]) -> None:
        if (assistant := self.assistant_meant()) is not None:
            self.attempt(partial(work, assistant))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        match action:
            case (
                "edit_assistant"
                | "delete_assistant"
                | "duplicate_assistant"
                | "export_assistant"
                | "switch_assistant"
                | "export_assistants"
            ):
                return self.assistant_meant() is not None
            case "undelete_assistant":
                return self.catalogue.deleted is not None
            case "choose_model" | "import_assistants":
                return self._workspace.connection.ready
            case "inspect_run":
                return self.flow.page.thread is not None
        return super().check_action(action, parameters)


def _named(assistant: Assistant) -> str:
    return safe_line(assistant_name(assistant), 60)
