"""The command line. Light: what a command needs is imported once the command is known."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

DONE, FAILED, WRONG_USAGE = 0, 1, 2
INTERRUPTED = 128 + signal.SIGINT

EXIT_CODES = """\
exit codes:
  0  done
  1  failed; stderr says why in a sentence
  2  wrong usage, or no terminal for the app
  3  ask: a decision was needed and nobody could be asked
  4  ask: the model endpoint wants a key and none is set
  128 + n  ended by signal n (130 after Ctrl+C)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in ``arguments`` (default: the process's own); returns the exit code."""
    sys.excepthook = _last_words
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        if options.command == "serve":
            return _serve(options)
        if options.command == "ask":
            return _ask(options)
        return _app(options)
    except KeyboardInterrupt:
        return INTERRUPTED


# -- the commands --------------------------------------------------------------------------------


def _app(options: argparse.Namespace) -> int:
    terminal = os.environ.get("TERM", "")
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(stream is not None and stream.isatty() for stream in streams):
        _say("The app needs a terminal, and this is none. For scripts and pipes: understudy ask")
        return WRONG_USAGE
    if terminal in ("", "dumb"):
        named = f"TERM={terminal}" if terminal else "TERM is not set"
        _say(
            f"The app cannot draw on this terminal ({named}). Set TERM (for example "
            "TERM=xterm-256color), or ask without a screen: understudy ask"
        )
        return WRONG_USAGE
    # Textual waits this long (milliseconds) to tell Escape from the beginning of another key, and
    # reads the variable when it is imported.
    os.environ.setdefault("ESCDELAY", "25")

    from tui import collector

    collector.hold()  # until the workspace is open
    from services.log import start_log
    from services.records import ServiceError
    from services.workspace import Workspace

    try:
        workspace = Workspace.at_home(options.connection)
    except ServiceError as error:
        _say(error.sentence)
        return FAILED
    start_log(workspace.log_path.parent)

    from tui.app import UnderstudyApp

    app = UnderstudyApp(workspace, thread_id=options.thread, resume=options.resume)
    app.run()
    return app.return_code or DONE


def _serve(options: argparse.Namespace) -> int:
    from services.serve import serve

    return serve(
        options.host,
        options.port,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_host,
    )


def _ask(options: argparse.Namespace) -> int:
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
        clean=_safe if sys.stdout.isatty() or sys.stderr.isatty() else None,
    )


def _safe(text: str) -> str:
    from tui.text import safe

    return safe(text)


def _question(words: Sequence[str]) -> str | None:
    """The argument, or standard input for ``-`` and in a pipe; both if there are both."""
    argument = " ".join(words).strip()
    piped = sys.stdin is not None and not sys.stdin.isatty()
    parts = [] if argument == "-" else [argument]
    if sys.stdin is not None and (piped or argument == "-"):
        # A file in another encoding is better asked with a few odd characters than not.
        parts.append(sys.stdin.buffer.read().decode("utf-8", errors="replace").strip())
    return "\n\n".join(part for part in parts if part) or None


# -- the parser ----------------------------------------------------------------------------------


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("understudy")
        except PackageNotFoundError:
            number = "(run from a checkout that is not installed)"
        parser.exit(DONE, f"understudy {number}\n")


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "understudy",
        description="A full-screen terminal client for assistants, with the Assistants API v2 "
        "itself on your own machine.\nWithout a command it opens the app.",
        epilog=EXIT_CODES,
        formatter_class=shape,
        allow_abbrev=False,
    )
    parser.set_defaults(command="app")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    parser.add_argument("--connection", metavar="NAME", help="where the assistants live")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--thread", metavar="ID", help="open this thread")
    start.add_argument("--resume", action="store_true", help="open the last thread")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="the Assistants API v2 over HTTP, for scripts",
        description="Serves the Assistants API v2 at /v1. When it can answer it prints one line "
        "to stdout:\n  Listening on http://HOST:PORT/v1\nClients present the token that stderr "
        "names, as their API key.",
        formatter_class=shape,
        allow_abbrev=False,
    )
    serve.set_defaults(command="serve")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument(
        "--port", type=_port, default=8333, help="port to listen on (%(default)s); 0: a free one"
    )
    serve.add_argument(
        "--allow-remote",
        action="store_true",
        help="needed for a HOST that other machines can reach",
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME[:PORT]",
        help="a further name that clients call this server by; may be repeated",
    )

    ask = commands.add_parser(
        "ask",
        help="one question without a screen",
        description="Asks one question. The answer goes to stdout as it comes, everything else "
        "to stderr.\nFunction calls are denied, as nobody is there to approve them, unless "
        "--allow-tool names them.",
        epilog="With --json, stdout is one object: thread_id, run_id, status, answer, usage,\n"
        "denied_tools, error.\n\n" + EXIT_CODES,
        formatter_class=shape,
        allow_abbrev=False,
    )
    ask.set_defaults(command="ask")
    ask.add_argument(
        "-a", "--assistant", help="who is asked: an id, a name, or the beginning of a name"
    )
    ask.add_argument("-t", "--thread", help="go on in this thread (an id); without it a new one")
    ask.add_argument("--json", action="store_true", help="print one JSON object at the end")
    ask.add_argument(
        "--allow-tool",
        action="append",
        default=[],
        metavar="NAME",
        help="let this function of yours run without asking; may be repeated",
    )
    ask.add_argument(
        "--connection",
        metavar="NAME",
        default=argparse.SUPPRESS,  # so that it does not undo one given before the command
        help="where the assistants live",
    )
    ask.add_argument(
        "question", nargs="*", help="the question; '-' or nothing: from standard input"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to 65535")
    return int(text)


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
