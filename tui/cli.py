"""The command line. Light: what a command needs is imported once the command is known."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from argparse import Namespace

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_UTF8 = ("utf-8", "utf8")
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in ``arguments`` (default: the process's own); returns the exit code."""
    sys.excepthook = _last_words
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not given:
            return _app()
        from tui.arguments import parse

        options = parse(given)
        if options.command == "serve":
            return _serve(options)
        if options.command == "ask":
            return _ask(options)
        return _app(
            options.connection,
            thread=options.thread,
            resume=options.resume,
            plain=options.plain,
        )
    except KeyboardInterrupt:
        return INTERRUPTED


# -- the commands --------------------------------------------------------------------------------


def _app(
    connection: str | None = None,
    *,
    thread: str | None = None,
    resume: bool = False,
    plain: bool = False,
) -> int:
    # Textual waits this long (milliseconds) to tell Escape from the beginning of another key, and
    # reads the variable when it is imported.
    os.environ.setdefault("ESCDELAY", "25")

    from tui import collector

    collector.hold()  # until the workspace is open
    from services.log import start_log
    from services.records import ServiceError
    from services.workspace import Workspace

    try:
        workspace = Workspace.at_home(connection)
    except ServiceError as error:
        _say(error.sentence)
        return FAILED
    plain = plain or workspace.settings.plain
    if refusal := _no_lines() if plain else _no_screen():
        _say(refusal)
        return WRONG_USAGE
    start_log(workspace.log_path.parent)
    if plain:
        from tui.plain.front import run_plain

        collector.release()
        draw_in_utf8(sys.__stdout__, sys.__stderr__)
        return run_plain(workspace, thread_id=thread, resume=resume)

    from tui.app import UnderstudyApp

    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    draw_in_utf8(sys.__stdout__, sys.__stderr__)
    app = UnderstudyApp(
        workspace, thread_id=thread, resume=resume, environment=os.environ, encoding=encoding
    )
    try:
        app.run()
    finally:
        if (farewell := app.attention.farewell()) and sys.__stderr__ is not None:
            with contextlib.suppress(OSError):  # the window may be gone
                sys.__stderr__.write(farewell)
                sys.__stderr__.flush()
    return app.return_code or DONE


def _no_screen() -> str:
    """Why nothing can be drawn here, and what to do instead; empty where it can."""
    terminal = os.environ.get("TERM", "")
    if not all(_is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return "The app needs a terminal, and this is none. For scripts and pipes: understudy ask"
    if terminal in ("", "dumb"):
        named = f"TERM={terminal}" if terminal else "TERM is not set"
        return (
            f"The app cannot draw on this terminal ({named}). Lines of text work here: understudy "
            "--plain. Or set TERM (for example TERM=xterm-256color), or ask without a screen: "
            "understudy ask"
        )
    return ""


def _no_lines() -> str:
    if sys.stdin is None or sys.stdout is None:
        return "Understudy needs somewhere to read and to write: its input or output is closed."
    return ""


def draw_in_utf8(*streams: TextIO | None) -> None:
    """Frames are no ASCII: in a locale without them they would be drawn as escapes."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in _UTF8:
            stream.reconfigure(encoding="utf-8", errors="replace")


def _serve(options: Namespace) -> int:
    from services.serve import serve

    return serve(
        options.host,
        options.port,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_host,
        strict=options.strict,
        replace_metadata=options.replace_metadata,
    )


def _ask(options: Namespace) -> int:
    text = _question(options.question)
    if text is None:
        _say(
            "There is no question. Give it as an argument, or pipe it in: "
            'understudy ask "What is a thread?"'
        )
        return WRONG_USAGE

    from services.headless import Question, ask

    return ask(
        Question(
            text,
            assistant=options.assistant,
            thread=options.thread,
            allowed_tools=frozenset(options.allow_tool),
            as_json=options.json,
        ),
        connection=options.connection,
        clean=_safe if _is_terminal(sys.stdout) or _is_terminal(sys.stderr) else None,
    )


def _is_terminal(stream: TextIO | None) -> bool:
    """A stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def _safe(text: str) -> str:
    from tui.text import safe

    return safe(text)


def _question(words: Sequence[str]) -> str | None:
    """The argument, or standard input for ``-`` and in a pipe; both if there are both."""
    argument = " ".join(words).strip()
    piped = sys.stdin is not None and not _is_terminal(sys.stdin)
    parts = [] if argument == "-" else [argument]
    if sys.stdin is not None and (piped or argument == "-"):
        # A file in another encoding is better asked with a few odd characters than not.
        parts.append(sys.stdin.buffer.read().decode("utf-8", errors="replace").strip())
    return "\n\n".join(part for part in parts if part) or None


# -- last words ----------------------------------------------------------------------------------


def _last_words(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """One sentence instead of a traceback; the traceback goes to the log, without values."""
    written: Path | None = None
    try:
        from services.log import record_crash
        from services.records import ServiceError
        from services.workspace import Workspace

        if isinstance(error, ServiceError):
            _say(error.sentence)
            return
        written = record_crash(error, Workspace.at_home().log_path.parent)
    except Exception:
        # Nothing may stand between the user and the sentence.
        written = None
    where = f"The details are in {written}." if written else "The details could not be written."
    _say(f"Understudy ran into an error of its own ({kind.__name__}) and had to stop. {where}")


def _say(sentence: str) -> None:
    if sys.stderr is not None:
        print(_safe(sentence) if sys.stderr.isatty() else sentence, file=sys.stderr)
