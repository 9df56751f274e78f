"""A user's function runs in a process of its own, and that process always ends."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from textwrap import dedent

import pytest

from services.functions import worker
from services.functions.worker import FunctionResult, call, describe

# What the tests' functions do to be watched: each process holds the writing end of a named pipe,
# so the reader sees the end of the stream only when the last of them is gone.
WATCHED = """
import os, signal, subprocess, sys, time

def _attend(children=0):
    pipe = os.open("attendance", os.O_WRONLY)
    os.set_inheritable(pipe, True)
    child = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    child += "os.write(int(sys.argv[1]), b'c'); time.sleep(600)"
    for _ in range(children):
        subprocess.Popen([sys.executable, "-c", child, str(pipe)], close_fds=False)
    os.write(pipe, b"f")
"""


class Attendance:
    def __init__(self, reader: asyncio.StreamReader, own_end: int) -> None:
        self._reader = reader
        self._own_end = own_end

    async def came(self, count: int) -> bytes:
        """Wait until so many processes are there."""
        async with asyncio.timeout(20):
            return await self._reader.readexactly(count)

    async def all_gone(self) -> bytes:
        """Wait until none is left; who had come meanwhile."""
        os.close(self._own_end)
        async with asyncio.timeout(5):
            return await self._reader.read()


@pytest.fixture
async def attendance(tmp_path: Path) -> AsyncIterator[Attendance]:
    path = tmp_path / "attendance"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    own_end = os.open(path, os.O_WRONLY)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    yield Attendance(reader, own_end)
    transport.close()


def written(folder: Path, source: str) -> Path:
    path = folder / "mine.py"
    path.write_text(dedent(source), encoding="utf-8")
    return path


async def result_of(
    folder: Path, body: str, arguments: str = "", **limits: float
) -> FunctionResult:
    """Call ``f`` of a file with that source."""
    return await call(written(folder, body), "f", arguments, **limits)  # type: ignore[arg-type]  # of numbers only


@pytest.mark.parametrize(
    ("expression", "output"),
    [
        ("'as it is \\U0001f600 \\n'", "as it is \U0001f600 \n"),
        ("''", ""),
        ("None", "null"),
        ("[1, 2.5, True, 'ä']", '[1, 2.5, true, "ä"]'),
        ("{'when': __import__('datetime').date(2024, 2, 29)}", '{"when": "2024-02-29"}'),
        ("{3, }", "[3]"),
        ("b'\\xff'", '"_w=="'),
        ("object", "\"<class 'object'>\""),
        ("(n for n in range(3))", "[0, 1, 2]"),
        ("'\\ud800'", "\\ud800"),
    ],
)
async def test_a_text_is_the_result_as_it_is_and_anything_else_as_json(
    tmp_path: Path, expression: str, output: str
) -> None:
    result = await result_of(tmp_path, f'def f():\n    """F."""\n    return {expression}\n')
    assert (result.output, result.ok, result.cut) == (output, True, 0)
    assert result.duration > 0


async def test_arguments_reach_the_function_with_exactly_their_characters(tmp_path: Path) -> None:
    text = "\u202ea\u200b\x00\x1b[31m \U0001f600 'ж'\\\n"
    result = await result_of(
        tmp_path,
        'def f(text: str):\n    """F."""\n    return [ord(c) for c in text]\n',
        json.dumps({"text": text}),
    )
    assert json.loads(result.output) == [ord(character) for character in text]


async def test_async_functions_and_generators_are_awaited(tmp_path: Path) -> None:
    source = """
    import asyncio
    async def f(n: int) -> str:
        \"\"\"F.\"\"\"
        await asyncio.sleep(0)
        return "x" * n
    async def g():
        \"\"\"G.\"\"\"
        yield 1
        yield 2
    """
    assert (await result_of(tmp_path, source, '{"n": 3}')).output == "xxx"
    assert (await call(tmp_path / "mine.py", "g", "")).output == "[1, 2]"


async def test_prints_are_counted_and_are_no_part_of_the_result(tmp_path: Path) -> None:
    source = """
    import os, sys
    print("at import")
    def f():
        \"\"\"F.\"\"\"
        print("to stdout")
        print("to stderr", file=sys.stderr)
        os.write(1, b"\\xffraw\\n")
        os.system("echo from a child")
        return "result"
    """
    result = await result_of(tmp_path, source)
    assert (result.output, result.ok) == ("result", True)
    assert result.printed == "at import\nto stdout\nto stderr\n\ufffdraw\nfrom a child\n"
    assert result.printed_size == len(b"at import\nto stdout\nto stderr\n\xffraw\nfrom a child\n")


async def test_of_a_million_printed_bytes_only_both_ends_are_kept(tmp_path: Path) -> None:
    source = 'def f():\n    """F."""\n    print("first" + "x" * 1_000_000 + "last")\n'
    result = await result_of(tmp_path, source)
    assert result.ok
    assert result.printed_size == 1_000_010
    assert result.printed.startswith("firstxxx")
    assert result.printed.endswith("xxxlast\n")
    assert "991,818 bytes cut" in result.printed


async def test_endless_prints_end_with_the_time(tmp_path: Path) -> None:
    source = 'def f():\n    """F."""\n    while True:\n        print("y" * 10_000)\n'
    result = await result_of(tmp_path, source, time_limit=0.3)
    assert not result.ok
    assert "took longer than 0.3 s and was stopped (mine.py, line 4)" in result.output
    assert len(result.printed) < 9_000
    assert len(result.output) < 600


async def test_a_flood_of_prints_is_held_back_and_not_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_FLOOD_PAUSE", 600)
    source = 'def f():\n    """F."""\n    while True:\n        print("y" * 10_000)\n'
    result = await result_of(tmp_path, source, time_limit=1.0)
    assert not result.ok
    assert 1024 * 1024 < result.printed_size <= 1024 * 1024 + 64 * 1024


async def test_a_result_that_is_too_long_keeps_both_ends_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    source = 'def f():\n    """F."""\n    return "first" + "€" * 100_000 + "last"\n'
    result = await result_of(tmp_path, source, output_limit=1000)
    assert result.ok
    assert result.output.startswith("first€€")
    assert result.output.endswith("€€last")
    kept = result.output.count("€") * 3 + len("firstlast")
    assert kept <= 1000
    assert result.cut == 300_009 - kept
    assert f"{result.cut:,} bytes cut" in result.output


async def test_an_exception_is_told_with_its_line_and_without_any_variables(tmp_path: Path) -> None:
    source = """
    import json
    def f(secret: str):
        \"\"\"F.\"\"\"
        return json.loads("{")
    """
    result = await result_of(tmp_path, source, '{"secret": "hunter2"}')
    assert not result.ok
    assert result.output.startswith("f failed: JSONDecodeError: Expecting property name")
    assert result.output.endswith("(mine.py, line 5)")
    assert "hunter2" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('x' * 5000)", "[... 3,000 more characters]"),
        ("input()", "EOFError"),
        ("f()", "RecursionError"),
        ("raise ExceptionGroup('many', [ValueError('one'), OSError('two')])", "ValueError: one"),
        ("a = []; a.append(a); return a", "cannot be written as JSON"),
    ],
)
async def test_whatever_a_function_raises_becomes_a_sentence(
    tmp_path: Path, statement: str, told: str
) -> None:
    result = await result_of(tmp_path, f'def f():\n    """F."""\n    {statement}\n')
    assert not result.ok
    assert told in result.output
    assert len(result.output) < 2_200


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("os._exit(3)", "ended its process (exit status 3)"),
        ("os._exit(0)", "ended its process (exit status 0)"),
        ("os.kill(os.getpid(), 11)", "crashed (SIGSEGV)"),
        ("os.abort()", "crashed (SIGABRT)"),
        ("os.closerange(3, 100); os._exit(0)", "before there was a result"),
    ],
)
async def test_a_process_that_ends_without_a_result_says_how(
    tmp_path: Path, statement: str, told: str
) -> None:
    source = f'import os\ndef f():\n    """F."""\n    print("last words")\n    {statement}\n'
    result = await result_of(tmp_path, source)
    assert not result.ok
    assert told in result.output
    assert result.output.endswith("The last line it printed: last words")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"n": 1, "n": 2}', "'n' more than once"),
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"n": "many"}', "- n: Input should be a valid integer"),
        ("", "- n: is required"),
        ('{"n": 1, "m": 2}', "- m: there is no such parameter"),
    ],
)
async def test_arguments_that_do_not_fit_are_not_run(
    tmp_path: Path, arguments: str, told: str
) -> None:
    source = 'def f(n: int):\n    """F."""\n    open("ran", "w").close()\n'
    result = await result_of(tmp_path, source, arguments)
    assert not result.ok
    assert result.output.startswith("f was not run.")
    assert told in result.output
    assert not (tmp_path / "ran").exists()


async def test_a_hanging_function_is_killed_with_its_children(
    tmp_path: Path, attendance: Attendance
) -> None:
    source = (
        WATCHED
        + """
def f():
    '''F.'''
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _attend(children=2)
    time.sleep(600)
"""
    )
    result = await result_of(tmp_path, source, time_limit=1.0)
    assert not result.ok
    assert result.output.startswith("f took longer than 1 s and was stopped")
    assert b"f" in await attendance.all_gone()


async def test_a_cancelled_call_leaves_no_process_behind(
    tmp_path: Path, attendance: Attendance
) -> None:
    path = written(
        tmp_path,
        WATCHED + "\ndef f():\n    '''F.'''\n    _attend(children=2)\n    time.sleep(600)\n",
    )
    running = asyncio.create_task(call(path, "f", ""))
    assert sorted(await attendance.came(3)) == sorted(b"ccf")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await attendance.all_gone() == b""


async def test_what_a_function_leaves_running_ends_with_it(
    tmp_path: Path, attendance: Attendance
) -> None:
    source = WATCHED + "\ndef f():\n    '''F.'''\n    _attend(children=1)\n    return 'done'\n"
    result = await result_of(tmp_path, source)
    assert (result.output, result.ok) == ("done", True)
    assert b"f" in await attendance.all_gone()


async def test_a_process_that_escaped_with_the_pipes_does_not_hold_up_the_result(
    tmp_path: Path, attendance: Attendance
) -> None:
    source = (
        WATCHED
        + """
def f():
    '''F.'''
    _attend()
    if os.fork() == 0:
        os.setsid()
        open("escaped", "w").write(str(os.getpid()))
        time.sleep(600)
    while not os.path.exists("escaped") or not open("escaped").read():
        pass
    return "done"
"""
    )
    result = await asyncio.wait_for(result_of(tmp_path, source), 20)
    os.kill(int((tmp_path / "escaped").read_text()), 9)
    assert (result.output, result.ok) == ("done", True)
    await attendance.all_gone()


async def test_a_function_dies_with_the_app(tmp_path: Path, attendance: Attendance) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    path = written(
        tmp_path, WATCHED + "\ndef f():\n    '''F.'''\n    _attend()\n    time.sleep(600)\n"
    )
    app = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, sys, pathlib; from services.functions.worker import call;"
        "asyncio.run(call(pathlib.Path(sys.argv[1]), 'f', ''))",
        str(path),
        cwd=Path(__file__).parents[2],
    )
    await attendance.came(1)
    app.kill()
    await app.wait()
    assert await attendance.all_gone() == b""


async def test_a_function_sees_no_environment_but_the_harmless_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_MODEL_KEY", "sk-secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.setenv("HOME", str(tmp_path))
    source = """
    import os, sys
    def f():
        \"\"\"F.\"\"\"
        return [dict(os.environ), sys.path, os.getcwd(), os.getsid(0) == os.getpid()]
    """
    environment, path, folder, own_session = json.loads((await result_of(tmp_path, source)).output)
    allowed = {"PATH", "HOME", "LANG", "TMPDIR"}
    assert {name for name in environment if not name.startswith("LC_")} <= allowed
    assert environment["HOME"] == str(tmp_path)
    assert environment["LC_TIME"] == "C"
    assert str(tmp_path / "elsewhere") not in path
    assert path[-1] == str(tmp_path)
    assert Path(folder) == tmp_path
    assert own_session


async def test_core_dumps_are_off(tmp_path: Path) -> None:
    source = """
    import resource
    def f():
        \"\"\"F.\"\"\"
        return resource.getrlimit(resource.RLIMIT_CORE)
    """
    assert (await result_of(tmp_path, source)).output == "[0, 0]"


async def test_files_of_the_folder_import_each_other_but_replace_no_library(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").write_text("WORD = 'shared'\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    source = """
    import json
    from _shared import WORD
    def f():
        \"\"\"F.\"\"\"
        return json.dumps(WORD)
    """
    assert (await result_of(tmp_path, source)).output == '"shared"'
    assert not (tmp_path / "__pycache__").exists()


async def test_a_function_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    result = await result_of(tmp_path, 'def g():\n    """G."""\n')
    assert (result.output, result.ok) == ("mine.py has no function f any more.", False)


async def test_a_file_that_no_longer_loads_says_where(tmp_path: Path) -> None:
    result = await result_of(tmp_path, 'import os\n\ndef f():\n    """F."""\n\n1 / 0\n')
    assert not result.ok
    assert result.output == "f was not run: ZeroDivisionError: division by zero (mine.py, line 6)"


async def test_without_its_folder_a_call_is_a_sentence(tmp_path: Path) -> None:
    result = await call(tmp_path / "gone" / "mine.py", "f", "")
    assert not result.ok
    assert "could not be given a process (No such file or directory)" in result.output


async def test_a_description_tells_lines_problems_and_what_was_imported(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").write_text("")
    path = written(
        tmp_path,
        """
        import _shared
        def f(n: int):
            \"\"\"F.\"\"\"
        def g(*n):
            \"\"\"G.\"\"\"
        """,
    )
    description = await describe(path)
    assert description.problem == ""
    f, g = description.functions
    assert (f.name, f.line, f.problem) == ("f", 3, "")
    assert (g.name, g.line) == ("g", 5)
    assert "*n" in g.problem
    assert description.sources == (str(tmp_path / "_shared.py"), str(path))


def test_the_app_side_imports_nothing_heavy() -> None:
    check = (
        "import sys, services.functions.folder, services.functions.approval, "
        "services.functions.examples, services.functions.worker; "
        "print({'pydantic', 'openai', 'httpx2', 'starlette', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "set()"
