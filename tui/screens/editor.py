"""A text in the user's own editor, and back."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, SuspendNotSupported


class EditorError(Exception):
    """The editor could not be used; ``str()`` is a sentence for the user."""


def editor_command() -> list[str]:
    """The editor from ``$VISUAL`` or ``$EDITOR``, else the first common one that is installed.

    Raises:
        EditorError: there is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if named := os.environ.get(name, "").strip():
            try:
                return shlex.split(named)
            except ValueError:
                raise EditorError(f"${name} is no command that can be read: {named}") from None
    for candidate in ("nano", "vim", "vi"):
        if found := shutil.which(candidate):
            return [found]
    raise EditorError("No editor was found: set EDITOR to the one you use.")


async def edit(app: App[object], text: str) -> str:
    """``text`` as the user left it in the editor. The app goes on running, without the screen.

    Raises:
        EditorError: there is no editor, it failed, or this terminal cannot be handed over. The
            text is unchanged.
    """
    command = editor_command()
    try:
        folder = Path(tempfile.mkdtemp(prefix="understudy-"))
    except OSError as error:
        raise _no_room(error) from None
    path = folder / "message.md"
    try:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _no_room(error) from None
        try:
            # The batch keeps the app from drawing over the editor while its loop goes on.
            with app.batch_update(), app.suspend(), _interrupt_is_the_editors():
                ended = await asyncio.to_thread(_run, [*command, str(path)])
        except SuspendNotSupported:
            raise EditorError("This terminal cannot be handed to an editor.") from None
        if isinstance(ended, OSError):
            why = ended.strerror or "it could not be started"
            raise EditorError(
                f"The editor {command[0]} did not start: {why}. Your message is as it was."
            )
        if ended != 0:
            raise EditorError(
                f"The editor {command[0]} ended with an error ({ended}); your message is as it was."
            )
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise EditorError("What the editor saved cannot be read as text.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> int | OSError:
    """The exit code, or why it did not start: an error raised here would reach ``App.suspend``,
    which then never gives the screen back."""
    try:
        return subprocess.run(command, check=False).returncode
    except OSError as error:
        return error


def _no_room(error: OSError) -> EditorError:
    return EditorError(
        "The message could not be put into the temporary folder for the editor: "
        f"{error.strerror or error}. It is as it was."
    )


@contextmanager
def _interrupt_is_the_editors() -> Iterator[None]:
    """Ctrl+C belongs to the editor meanwhile; a handler, unlike SIG_IGN, is not inherited."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda _signal, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
