"""What the command line may say. The app started without arguments never loads this."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

EXIT_CODES = """\
exit codes:
  0  done
  1  failed; stderr says why in a sentence
  2  wrong usage, or no terminal for the app
  3  ask: a decision was needed and nobody could be asked
  4  ask: the model endpoint wants a key and none is set
  128 + n  ended by signal n (130 after Ctrl+C)
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the named command (``command``: app, serve or ask).

    Leaves the program for ``--help``, ``--version`` and wrong usage (exit code 2).
    """
    return _parser().parse_args(list(arguments))


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("understudy")
        except PackageNotFoundError:
            number = "(run from a checkout that is not installed)"
        parser.exit(0, f"understudy {number}\n")


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
    parser.add_argument(
        "--plain",
        action="store_true",
        help="lines of text instead of a full screen: for screen readers and simple terminals",
    )
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
    serve.add_argument(
        "--strict",
        action="store_true",
        help="also refuse what the hosted API refused: requests without its beta header, and "
        "downloads of files uploaded for assistants",
    )
    serve.add_argument(
        "--replace-metadata",
        action="store_true",
        help="new metadata of an object replaces the old, instead of merging into it",
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
