"""The part of the workspace on which files are found and attached, and commands completed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on

from services.records import Outgoing, PendingFile, ServiceError
from tui.commands import BY_ID, COMMANDS, keys_text
from tui.screens.carrying_out import carry_out, possible
from tui.screens.decision_desk import DecisionDesk
from tui.screens.page import Work
from tui.text import safe_line
from tui.widgets.attachment_list import AttachmentList
from tui.widgets.composer import Composer
from tui.widgets.row_list import Row
from tui.widgets.suggestions import Suggestions

if TYPE_CHECKING:
    from services.outbox import Outbox
    from services.workspace import Workspace

ON_SERVER = "server:"
"""Begins the key of a suggestion that is a file of the server."""
TOOLS = {"file_search": "file search", "code_interpreter": "code interpreter"}


class AttachingDesk(DecisionDesk):
    """Suggestions while ``@`` or ``/`` is typed, and the files of the message in the box."""

    _workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._on_server: dict[str, PendingFile] = {}

    @property
    def outbox_shown(self) -> Outbox:
        raise NotImplementedError

    # Suggestions

    @on(Composer.CompletionWanted)
    def _completion_wanted(self, event: Composer.CompletionWanted) -> None:
        if event.kind is None:
            self.workers.cancel_group(self, "completion")
        elif event.kind == "command":
            self.spawn(partial(self._suggest_commands, event.query), "completion")
        else:
            self.spawn(partial(self._suggest_files, event.query), "completion")

    async def _list(self) -> Suggestions:
        if self.composer.suggestions is None:
            suggestions = Suggestions(id="suggestions")
            await self.query_one("#conversation").mount(suggestions, before=self.composer)
            self.composer.suggestions = suggestions
        return self.composer.suggestions

    @on(Suggestions.Selected, "#suggestions")
    def _suggestion_clicked(self, event: Suggestions.Selected) -> None:
        self.composer.complete(event.key)

    async def _suggest_commands(self, query: str) -> None:
        rows = self._command_rows(query)
        hint = "Enter runs it, Esc leaves the text"
        (await self._list()).offer(rows, title="Commands", hint=hint)

    def _command_rows(self, query: str) -> list[Row]:
        # The palette's own matcher, so that the same letters find the same command.
        from textual.fuzzy import Matcher

        keymap = self._workspace.settings.keymap
        wanted = query.strip()
        matcher = Matcher(wanted)
        found: list[tuple[float, Row]] = []
        for command in COMMANDS:
            score = 0.0
            if wanted:
                score = max(matcher.match(command.title), matcher.match(command.id) * 0.8)
                if score <= 0:
                    continue
            now = possible(self.app, command)
            aside = keys_text(command, keymap) if now else f"needs {command.needs}"
            row = Row(command.id, command.title, aside=safe_line(aside, 40))
            found.append((score + (1 if now else 0), row))
        return [row for _, row in sorted(found, key=lambda each: -each[0])]

    async def _suggest_files(self, query: str) -> None:
        suggestions = await self._list()
        title = "Attach a file"
        hint = "Enter attaches, Tab too, Esc leaves the text"
        stored = await self._stored_rows(query)
        async for paths in self._workspace.writing.find(query):
            rows = [Row(path, safe_line(path, 400)) for path in paths]
            suggestions.offer([*rows, *stored], title=title, hint=hint)

    async def _stored_rows(self, query: str) -> list[Row]:
        """Files that the server has already; without a connection there are none to offer."""
        if not self._workspace.connection.ready:
            return []
        try:
            files = await self._workspace.files.attachable(query)
        except ServiceError:
            return []  # the files of this machine are offered all the same
        self._on_server = {file.file_id: file for file in files}
        return [
            Row(ON_SERVER + file.file_id, safe_line(file.name, 300), aside="uploaded")
            for file in files
        ]

    @on(Composer.Completed)
    def _completed(self, event: Composer.Completed) -> None:
        if event.kind == "command":
            self.run_command(event.key)
        elif event.key.startswith(ON_SERVER):
            file = self._on_server.get(event.key.removeprefix(ON_SERVER))
            if file is not None:
                self._take_file(file)
        else:
            self.attempt(partial(self.attach, event.key))

    def run_command(self, id: str) -> None:
        """Carry a command of the table out, as the palette does."""
        work: Work = partial(carry_out, self.app, BY_ID[id])
        self.run_worker(work, group="command")

    # Files

    async def attach(self, path: str) -> None:
        """Add a file of this machine to the message. Raises ServiceError."""
        self._take_file(await self._workspace.writing.attach(path))

    def _take_file(self, file: PendingFile) -> None:
        outbox = self.outbox_shown
        if not outbox.attach(file):
            self.say(f"{file.name} is attached already.")
        self.show_attachments(outbox.message.files)
        self._say_what_is_missing(file)

    def _say_what_is_missing(self, file: PendingFile) -> None:
        """A file that nobody can read would be ignored without a word."""
        answering = self.catalogue.answering
        if answering is None:
            return
        has = {getattr(tool, "kind", "") for tool in answering.tools}
        missing = [TOOLS[tool] for tool in file.tools if tool not in has]
        if missing and not has & set(file.tools):
            name = answering.name or "The assistant"
            self.say(
                f"{name} has no {' and no '.join(missing)}: it will not read {file.name}. "
                "Edit the assistant to give it the tool.",
                "warning",
            )

    async def take_as_files(self, pasted: str) -> bool:
        """Attach what was dropped or pasted, if it is files; whether it was."""
        paths = await self._workspace.writing.dropped(pasted)
        for path in paths:
            try:
                await self.attach(path)
            except ServiceError as error:
                self.say(error.sentence, "error")
        return bool(paths)

    def show_attachments(self, files: Sequence[PendingFile]) -> None:
        if files and self.attachment_list is None:
            self.attachment_list = AttachmentList(id="attachments")
            self.query_one("#conversation").mount(self.attachment_list, before=self.composer)
        if self.attachment_list is not None:
            self.attachment_list.show_files(files)
            if not files and self.attachment_list.has_focus:
                self.composer.focus()
        self.refresh_bindings()

    @on(AttachmentList.Wanted)
    def _attachment_wanted(self, event: AttachmentList.Wanted) -> None:
        outbox = self.outbox_shown
        if event.what == "remove":
            outbox.detach(event.key)
        else:
            before = outbox.message
            outbox.switch_use(event.key)
            self._say_how_it_changed(before, outbox.message, event.key)
        self.show_attachments(outbox.message.files)

    def _say_how_it_changed(self, before: Outgoing, after: Outgoing, key: str) -> None:
        for old, new in zip(before.files, after.files, strict=True):
            if new.key == key and old.use == new.use:
                self.say(f"{new.name} can only be used for {new.shown_use}.")
            elif new.key == key:
                self._say_what_is_missing(new)

    def action_attach_file(self) -> None:
        self.go_to("composer")
        text, (row, column) = self.composer.text, self.composer.cursor_location
        before = self.composer.document.get_line(row)[:column] if text else ""
        self.composer.insert("@" if not before or before[-1].isspace() else " @")

    def action_go_to_attachments(self) -> None:
        if self.attachment_list is not None:
            self.unfold("conversation")
            self.attachment_list.focus()
