"""The part of the workspace that serves the reader: pictures, sources, links, files of blocks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from services.records import ServiceError
from tui.commands import BY_ID, keys_text
from tui.screens.find_desk import FindDesk
from tui.text import content, for_clipboard, safe_line
from tui.transcript.block_parts import block_text, entry_text
from tui.transcript.entries import MessageEntry, PictureEntry
from tui.transcript.reading_view import kind_of
from tui.transcript.view import Transcript

if TYPE_CHECKING:
    from services.workspace import Workspace

MAXIMISED = (400, 400)
"""Pixels of a picture on the whole screen, at most."""


class ReadingDesk(FindDesk):
    """Carries out what the transcript asks for."""

    _workspace: Workspace

    def copy(self, text: str, what: str = "the text") -> None:
        """To the clipboard, as far as a terminal lets one know: none of them answers."""
        clean = for_clipboard(text)
        if not clean:
            self.say(f"There is nothing to copy: {what} is empty.", "warning")
            return
        self.app.copy_to_clipboard(clean)
        self.say(
            f"Sent {what} to the terminal's clipboard ({len(clean):,} characters). No terminal "
            "confirms that; s on the marked block saves it to a file."
        )

    # Pictures

    @on(Transcript.PictureWanted)
    def _picture_wanted(self, event: Transcript.PictureWanted) -> None:
        entry = event.entry
        work = partial(self._fetch_picture, entry, event.columns, event.rows)
        self.spawn(work, f"picture/{entry.key}")

    async def _fetch_picture(self, entry: PictureEntry, columns: int, rows: int) -> None:
        picture, note = entry.picture, ""
        try:
            picture = await self._workspace.pictures.drawn(entry.file_id, columns, rows)
        except ServiceError as error:
            picture, note = None, error.sentence
        shown = self.transcript.entry(entry.key)
        if isinstance(shown, PictureEntry):
            self.transcript.put(replace(shown, picture=picture, note=note))

    # The end of the conversation

    @on(Transcript.BelowChanged)
    def _below_changed(self, event: Transcript.BelowChanged) -> None:
        key = keys_text(BY_ID["transcript.to_end"], self._workspace.settings.keymap)
        if event.count < 0:
            self.transcript.border_subtitle = Content()
        else:
            new = f"{event.count} new below" if event.count else "more below"
            told = f"{new} · {key}" if key else new
            self.transcript.border_subtitle = content(told, "bold $accent" if event.count else "")

    def action_to_end(self) -> None:
        self.transcript.action_scroll_end()

    # What is marked

    @on(Transcript.Wanted)
    def _wanted_of_block(self, event: Transcript.Wanted) -> None:
        match event.what:
            case "save":
                self.attempt(partial(self._save, event))
            case "maximise":
                self.attempt(partial(self._maximise, event))
            case "links":
                self.attempt(partial(self._links, event))
            case "source":
                self._open_source(event)

    async def _save(self, event: Transcript.Wanted) -> None:
        from tui.screens.block_file import file_bytes, suggested

        saving = self._workspace.saving
        entry = event.row.entry
        data: bytes | None = None
        if isinstance(entry, PictureEntry):
            data = await self._workspace.pictures.content(entry.file_id)
            named = self._workspace.pictures.file_name(entry.title, data)
            path = await saving.suggest(named.stem, named.suffix)
        else:
            path = await saving.suggest(*suggested(event.row, event.block))
        what = "the picture" if data is not None else self._kind(event)
        chosen = await self._ask_where(what, path)
        if chosen is None:
            return
        if data is None:
            data = file_bytes(event.row, event.block, chosen.name)
        if not await saving.save(chosen, data):
            if not await self._may_replace(chosen):
                self.say(f"{chosen} stays as it was; nothing was written.")
                return
            await saving.save(chosen, data, replace=True)
        self.say(f"Saved {what} to {chosen} ({len(data):,} bytes).")

    @staticmethod
    def _kind(event: Transcript.Wanted) -> str:
        return f"the {event.block.kind}" if event.block is not None else kind_of(event.row)

    async def _ask_where(self, what: str, path: Path) -> Path | None:
        from tui.screens.dialogs import LineScreen

        hint = "Enter saves, Esc goes back. A name without a folder is for the current one."
        asked: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        await self.app.push_screen(
            LineScreen(f"Save {what} as", str(path), hint=hint), asked.set_result
        )
        answer = await asked
        return Path(answer) if answer else None

    async def _may_replace(self, path: Path) -> bool:
        from tui.screens.dialogs import ConfirmScreen

        asked: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        question = Content(f"{safe_line(str(path), 200)} is there already. Replace it?")
        await self.app.push_screen(
            ConfirmScreen("Replace the file?", question, yes="Replace"), asked.set_result
        )
        return bool(await asked)

    async def _maximise(self, event: Transcript.Wanted) -> None:
        from tui.screens.block_view import BlockScreen, drawing_of

        row, block = event.row, event.block
        entry = row.current()
        title = self._kind(event).removeprefix("the ")
        if isinstance(entry, PictureEntry):
            picture = await self._workspace.pictures.drawn(entry.file_id, *MAXIMISED)
            entry = replace(entry, picture=picture)
            title = entry.title
        draw = drawing_of(entry, row, block)

        def closed(wanted: str | None) -> None:
            if wanted == "save":
                self.attempt(partial(self._save, event))
            elif wanted == "copy":
                text = entry_text(entry) if block is None else block_text(row, block)
                self.copy(text, self._kind(event))

        self.app.push_screen(BlockScreen(title, draw), closed)

    async def _links(self, event: Transcript.Wanted) -> None:
        from tui.screens.link_dialog import LinkScreen, LinksScreen, open_link
        from tui.transcript.links import Link, links_in

        row, block = event.row, event.block
        entry = row.current()
        text = entry_text(entry) if block is None else block_text(row, block)
        if block is not None and isinstance(entry, MessageEntry):
            # What the message defines for all its links ("[1]: https://...") belongs to each block.
            known = "\n".join(
                line for line in entry.text.split("\n") if line.lstrip().startswith("[")
            )
            within = {link.target for link in links_in(text)}
            text = f"{text}\n\n{known}" if known else text
            links = [link for link in links_in(text) if link.target in within or link.text in text]
        else:
            links = links_in(text)
        if not links:
            self.say(f"There is no link in {self._kind(event)}.")
            return
        loop = asyncio.get_running_loop()
        link: Link | None = links[0]
        if len(links) > 1:
            meant: asyncio.Future[Link | None] = loop.create_future()
            await self.app.push_screen(LinksScreen(links), meant.set_result)
            link = await meant
        if link is None:
            return
        asked: asyncio.Future[tuple[str, str] | None] = loop.create_future()
        await self.app.push_screen(LinkScreen(link), asked.set_result)
        match await asked:
            case ("copy", target):
                self.copy(target, "the link's target")
            case ("open", url):
                await open_link(url)
                self.say("Handed to the system's program for links.")

    def _open_source(self, event: Transcript.Wanted) -> None:
        from tui.screens.source_view import SourceScreen

        footnote, thread_id = event.footnote, self.flow.page.thread_id
        run_id = self.flow.footnoting.run_of(event.row.entry.key)
        if footnote is None or thread_id is None:
            return
        if run_id is None:
            self.say("No run is known for this answer, so its passages cannot be looked up.")
            return
        sources = self._workspace.sources

        def copied(text: str | None) -> None:
            if text:
                self.copy(text, "the passage")

        passages = partial(sources.passages, thread_id, run_id, footnote.file_id, footnote.marker)
        self.app.push_screen(SourceScreen(footnote, passages), copied)
