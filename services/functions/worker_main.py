"""What runs in the child process: one file of the user's is loaded, and described or called.

Started by ``worker.py`` as a script, never imported by the app. The request comes on standard
input as one JSON object; answers leave through what was standard output at the start, each as
eight bytes of length and then JSON. The user's code gets neither: what it prints goes to the pipe
of standard error, and its standard input is empty.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import os
import resource
import signal
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

# This file is started by its path and in isolated mode, which leaves the package out of reach
# where it is not installed; its place is taken back at once, so that no user's import finds it.
_PACKAGES = str(Path(__file__).resolve().parents[2])
sys.path.append(_PACKAGES)
from services.functions.schema import (  # noqa: E402 - only now can it be found
    NAME_PATTERN,
    ArgumentsError,
    UnusableFunction,
    describe_function,
    parse_arguments,
)

sys.path.remove(_PACKAGES)

MODULE_PREFIX = "understudy_functions_"
MESSAGE_LIMIT = 2_000  # characters of an exception's own words
LINUX_SET_PARENT_DEATH_SIGNAL = 1


class Channel:
    """The way back to the app, and who may use it: this process, not what the user's code forks."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._descriptor = os.dup(1)  # os.dup makes it close on exec
        self._writing = False
        os.dup2(2, 1)

    def send(self, answer: dict[str, Any]) -> None:
        if os.getpid() != self._owner:
            return
        body = json.dumps(answer).encode()
        data = memoryview(len(body).to_bytes(8, "big") + body)
        self._writing = True
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._writing = False

    def tell_where_terminated(self, path: Path) -> None:
        """On SIGTERM say which line of the user's file was running, then end."""

        def end(_number: int, frame: types.FrameType | None) -> NoReturn:
            line = 0
            while frame is not None and not line:
                if frame.f_code.co_filename == str(path):
                    line = frame.f_lineno
                frame = frame.f_back
            if not self._writing:
                self.send({"stopped": line})
            os._exit(128 + signal.SIGTERM)

        signal.signal(signal.SIGTERM, end)


def main() -> None:
    channel = Channel()
    request = json.loads(sys.stdin.buffer.read())
    path = Path(request["path"])
    confine(request["parent"], request["processor_seconds"])
    channel.tell_where_terminated(path)
    # Last, so that a file of the user's called json.py does not take the place of the library's.
    sys.path.append(str(path.parent))
    if request["action"] == "describe":
        channel.send(describe(path))
    else:
        channel.send(call(path, request, channel))


def confine(parent: int, processor_seconds: int) -> None:
    """No core dumps, no reading of the terminal, and an end even when the app is gone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, ceiling = resource.getrlimit(resource.RLIMIT_CPU)
    if ceiling == resource.RLIM_INFINITY or ceiling > processor_seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(LINUX_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the app ended before the kernel could be asked


def describe(path: Path) -> dict[str, Any]:
    """What the file offers: each public function, or why the file or a function cannot be used."""
    try:
        module = load(path)
    except BaseException as error:
        line, message = explain(error, path)
        return {"problem": message, "line": line, "functions": [], "sources": sources(path)}
    found = []
    for name, function in public_functions(module):
        entry: dict[str, Any] = {"name": name, "line": first_line(function), "problem": ""}
        try:
            if not NAME_PATTERN.fullmatch(name):
                raise UnusableFunction(
                    "a function's name may have up to 64 of the letters A to Z, digits and _"
                )
            schema = describe_function(function)
            entry |= {"description": schema.description, "parameters": schema.parameters}
            json.dumps(schema.parameters)
        except UnusableFunction as error:
            entry |= {"description": "", "parameters": None, "problem": str(error)}
        found.append(entry)
    return {"problem": "", "line": 0, "functions": found, "sources": sources(path)}


def call(path: Path, request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Load, check, run: always an answer ``{ok, output, cut}``, whatever the user's code does."""
    name = request["name"]
    try:
        arguments = parse_arguments(request["arguments"])
        function = dict(public_functions(load(path))).get(name)
        if function is None:
            return failure(f"{path.name} has no function {name} any more.")
        positional, named = describe_function(function).bind(arguments)
    except ArgumentsError as error:
        return failure(f"{name} was not run. Its arguments do not fit:\n{error.sentence}")
    except UnusableFunction as error:
        return failure(f"{name} was not run: {error}.")
    except BaseException as error:
        return failure(f"{name} was not run: {place(*explain(error, path), path)}")
    channel.send({"ready": True})
    try:
        value = outcome(function, positional, named)
    except BaseException as error:
        return failure(f"{name} failed: {place(*explain(error, path), path)}")
    try:
        text = as_text(value)
    except Exception as error:
        return failure(
            f"{name} ran, but its result cannot be written as JSON: {explain(error, path)[1]}"
        )
    output, cut = cut_middle(text, request["output_limit"])
    return {"ok": True, "output": output, "cut": cut}


def failure(sentence: str) -> dict[str, Any]:
    return {"ok": False, "output": sentence.encode(errors="backslashreplace").decode(), "cut": 0}


def load(path: Path) -> types.ModuleType:
    """Run the file as a module with a name of its own. Raises whatever the file raises."""
    module = types.ModuleType(MODULE_PREFIX + path.stem)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # Compiled here and not by the import system, whose cache cannot tell two versions of one
    # second and one size apart: what is in the file is what runs.
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    return module


def public_functions(module: types.ModuleType) -> list[tuple[str, Callable[..., Any]]]:
    """The module's own documented functions, in the order in which they were defined."""
    names = getattr(module, "__all__", None)
    return [
        (name, value)
        for name, value in vars(module).items()
        if (not name.startswith("_") if names is None else name in names)
        and callable(value)
        and not isinstance(value, type)
        and inspect.isfunction(inspect.unwrap(value))
        and getattr(value, "__module__", None) == module.__name__
        and getattr(value, "__name__", None) == name
        and (inspect.getdoc(value) or "").strip()
    ]


def first_line(function: Callable[..., Any]) -> int:
    code: types.CodeType = inspect.unwrap(function).__code__
    return code.co_firstlineno


def sources(path: Path) -> list[str]:
    """The other files of the folder that this one imported: a change in them changes it."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    inside = str(path.parent) + os.sep
    return sorted(file for file in files if isinstance(file, str) and file.startswith(inside))


def outcome(function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> Any:
    """What the function gives, awaited and collected."""
    value = function(*positional, **named)
    if inspect.isawaitable(value) or inspect.isasyncgen(value):

        async def settle() -> Any:
            if inspect.isasyncgen(value):
                return [item async for item in value]
            return await value

        return asyncio.run(settle())
    return list(value) if inspect.isgenerator(value) else value


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON, what JSON has no form for as its ``str``."""
    if isinstance(value, str):
        return str(value)
    from pydantic_core import to_jsonable_python

    try:
        plain = to_jsonable_python(value, fallback=str)
    except UnicodeDecodeError:
        plain = to_jsonable_python(value, fallback=str, bytes_mode="base64")
    return json.dumps(plain, ensure_ascii=False, default=str)


def cut_middle(text: str, limit: int) -> tuple[str, int]:
    """The text with at most ``limit`` bytes of its own, and how many bytes were cut out."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode(), 0
    head = data[: limit - limit // 2].decode(errors="ignore")
    tail = data[len(data) - limit // 2 :].decode(errors="ignore")
    cut = len(data) - len(head.encode()) - len(tail.encode())
    return f"{head}\n[... {cut:,} bytes cut out of the middle ...]\n{tail}", cut


def explain(error: BaseException, path: Path) -> tuple[int, str]:
    """The line in the user's file (or 0), and the exception's type and words; no variables."""
    line = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == str(path):
            line = number
    if isinstance(error, SyntaxError):
        words = error.msg
        if error.filename == str(path):
            line = error.lineno or 0
        elif error.filename:
            words = f"{words} ({Path(error.filename).name}, line {error.lineno})"
    elif isinstance(error, BaseExceptionGroup):
        words = "; ".join(explain(inner, path)[1] for inner in error.exceptions[:3])
    else:
        try:
            words = str(error)
        except Exception:
            words = "(its message cannot be read)"
    if len(words) > MESSAGE_LIMIT:
        words = f"{words[:MESSAGE_LIMIT]} [... {len(words) - MESSAGE_LIMIT:,} more characters]"
    kind = type(error).__name__
    return line, f"{kind}: {words}" if words else kind


def place(line: int, message: str, path: Path) -> str:
    return f"{message} ({path.name}, line {line})" if line else f"{message} ({path.name})"


if __name__ == "__main__":
    main()
