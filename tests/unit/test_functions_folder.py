"""The functions folder: what is in it becomes tools, and what cannot says why."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from services.functions import folder as folder_module
from services.functions.folder import FunctionsFolder
from services.functions.worker import FileDescription, describe
from services.records import FunctionTool, LocalFunction


def function(name: str, body: str = "return 1", parameters: str = "") -> str:
    return f'def {name}({parameters}):\n    """Do {name}."""\n    {body}\n'


def tools(found: tuple[LocalFunction, ...]) -> list[str]:
    return [each.tool.name for each in found if not each.problem]


def problems(found: tuple[LocalFunction, ...]) -> list[str]:
    return [each.problem for each in found if each.problem]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that a process was started for, in their order."""
    names: list[str] = []

    async def watched(path: Path, *, time_limit: float) -> FileDescription:
        names.append(path.name)
        return await describe(path, time_limit=time_limit)

    monkeypatch.setattr(folder_module, "describe", watched)
    return names


async def test_a_missing_or_empty_folder_has_no_functions(tmp_path: Path) -> None:
    assert await FunctionsFolder(tmp_path / "none").functions() == ()
    assert await FunctionsFolder(tmp_path).functions() == ()


async def test_a_folder_that_is_none_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    (found,) = await FunctionsFolder(path).functions()
    assert found.problem == f"The functions folder {path} cannot be read: Not a directory."
    assert await FunctionsFolder(path).find("file") is None


async def test_public_documented_functions_of_every_file_become_tools(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(
        "from os.path import join\nfrom dataclasses import dataclass\n"
        + function("later", parameters="n: int")
        + "async "
        + function("also")
        + function("_private")
        + "def undocumented():\n    return 1\n"
        + "alias = later\nvalue = 3\n"
        + 'class Thing:\n    """A class."""\n    def __call__(self):\n        """Call."""\n'
        + "thing = Thing()\n"
        + 'if __name__ == "__main__":\n    raise SystemExit(1)\n'
    )
    (tmp_path / "a.py").write_text(function("first"))
    (tmp_path / "_c.py").write_text(function("not_looked_at"))
    (tmp_path / ".d.py").write_text(function("not_looked_at"))
    (tmp_path / "e.txt").write_text("no Python")
    (tmp_path / "f.py").mkdir()
    found = await FunctionsFolder(tmp_path).functions()
    assert problems(found) == []
    assert tools(found) == ["first", "later", "also"]
    assert found[1] == LocalFunction(
        FunctionTool(
            "later",
            "Do later.",
            {
                "type": "object",
                "properties": {"n": {"type": "integer"}},
                "required": ["n"],
                "additionalProperties": False,
            },
        ),
        str(tmp_path / "b.py"),
    )


async def test_a_file_can_say_with_all_what_is_public(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("__all__ = ['one']\n" + function("one") + function("two"))
    assert tools(await FunctionsFolder(tmp_path).functions()) == ["one"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\ndef f(:\n", "bad.py, line 2: SyntaxError: invalid syntax."),
        ("import os\n\n1 / 0\n", "bad.py, line 3: ZeroDivisionError: division by zero."),
        (
            "import not_installed_anywhere\n",
            "bad.py, line 1: ModuleNotFoundError: No module named 'not_installed_anywhere'.",
        ),
        ("raise SystemExit\n", "bad.py, line 1: SystemExit."),
        (
            "import os\nos._exit(4)\n",
            "bad.py: ended its process (exit status 4) before there was a result.",
        ),
        ("import os\nos.abort()\n", "bad.py: crashed (SIGABRT) before there was a result."),
        ("x = 1\nwhile x:\n    pass\n", "took longer than 1 s and was stopped."),
    ],
)
async def test_a_broken_file_says_where_and_spares_the_others(
    tmp_path: Path, source: str, problem: str
) -> None:
    (tmp_path / "bad.py").write_text(source)
    (tmp_path / "good.py").write_text(function("fine"))
    found = await FunctionsFolder(tmp_path, load_limit=1.0).functions()
    assert tools(found) == ["fine"]
    (said,) = problems(found)
    assert said.startswith("bad.py")
    assert said.endswith(problem)


async def test_a_file_that_hangs_is_stopped_at_its_line_and_not_tried_again_unchanged(
    tmp_path: Path, looked_at: list[str]
) -> None:
    path = tmp_path / "slow.py"
    path.write_text("import time\n\ntime.sleep(600)\n")
    folder = FunctionsFolder(tmp_path, load_limit=1.0)
    for _ in range(2):
        assert problems(await folder.functions()) == [
            "slow.py, line 3: took longer than 1 s and was stopped."
        ]
    assert looked_at == ["slow.py"]
    path.write_text(function("quick"))
    assert tools(await folder.functions()) == ["quick"]


async def test_what_a_file_prints_does_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print('x' * 200_000)\n" + function("one"))
    assert tools(await FunctionsFolder(tmp_path).functions()) == ["one"]


async def test_a_name_that_no_tool_can_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("\n" + function("größe") + function("x" * 65), encoding="utf-8")
    found = await FunctionsFolder(tmp_path).functions()
    assert tools(found) == []
    first, second = problems(found)
    assert first.startswith("a.py, line 2: größe is left out: a function's name may have up to 64")
    assert second.startswith("a.py, line 5: xxx")


async def test_of_two_functions_of_one_name_the_second_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(function("same", "return 'a'"))
    (tmp_path / "b.py").write_text(function("same", "return 'b'") + function("other"))
    folder = FunctionsFolder(tmp_path)
    found = await folder.functions()
    assert tools(found) == ["same", "other"]
    assert problems(found) == [
        "b.py, line 1: same is left out: a.py has a function of that name already. "
        "Rename one of them."
    ]
    assert (await folder.call("same", "")).output == "a"


async def test_unchanged_files_are_looked_at_once(tmp_path: Path, looked_at: list[str]) -> None:
    (tmp_path / "a.py").write_text(function("one"))
    (tmp_path / "b.py").write_text(function("two"))
    folder = FunctionsFolder(tmp_path)
    first = await folder.functions()
    assert await folder.functions() == first
    assert sorted(looked_at) == ["a.py", "b.py"]


async def test_only_a_changed_file_is_looked_at_again(tmp_path: Path, looked_at: list[str]) -> None:
    (tmp_path / "a.py").write_text(function("one"))
    (tmp_path / "b.py").write_text(function("two"))
    folder = FunctionsFolder(tmp_path)
    await folder.functions()
    looked_at.clear()
    (tmp_path / "b.py").write_text(function("two") + function("three"))
    assert tools(await folder.functions()) == ["one", "two", "three"]
    assert looked_at == ["b.py"]


async def test_a_change_of_the_same_length_within_a_second_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(function("one", "return 1"))
    folder = FunctionsFolder(tmp_path)
    await folder.functions()
    path.write_text(function("two", "return 2"))
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))
    assert tools(await folder.functions()) == ["two"]
    assert (await folder.call("two", "")).output == "2"


async def test_a_change_in_an_imported_file_is_noticed(
    tmp_path: Path, looked_at: list[str]
) -> None:
    (tmp_path / "_types.py").write_text("Kind = int\n")
    (tmp_path / "a.py").write_text("from _types import Kind\n" + function("one", "", "k: Kind"))
    (tmp_path / "b.py").write_text(function("two"))
    folder = FunctionsFolder(tmp_path)
    await folder.functions()
    looked_at.clear()
    (tmp_path / "_types.py").write_text("Kind = float\n")
    found = await folder.functions()
    assert found[0].tool.parameters is not None
    assert found[0].tool.parameters["properties"] == {"k": {"type": "number"}}
    assert looked_at == ["a.py"]


async def test_a_file_that_failed_at_once_is_tried_again(
    tmp_path: Path, looked_at: list[str]
) -> None:
    (tmp_path / "a.py").write_text("import late_package\n" + function("one"))
    folder = FunctionsFolder(tmp_path)
    assert len(problems(await folder.functions())) == 1
    package = tmp_path / "late_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert tools(await folder.functions()) == ["one"]
    assert looked_at == ["a.py", "a.py"]


async def test_a_file_that_is_gone_takes_its_functions_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(function("one"))
    folder = FunctionsFolder(tmp_path)
    assert await folder.find("one") is not None
    path.unlink()
    assert await folder.find("one") is None
    result = await folder.call("one", "")
    assert (result.ok, result.output) == (
        False,
        "There is no function one in the functions folder.",
    )


async def test_many_askers_at_once_look_once(tmp_path: Path, looked_at: list[str]) -> None:
    (tmp_path / "a.py").write_text(function("one"))
    folder = FunctionsFolder(tmp_path)
    answers = await asyncio.gather(*(folder.functions() for _ in range(5)))
    assert all(tools(answer) == ["one"] for answer in answers)
    assert looked_at == ["a.py"]


async def test_calls_run_side_by_side(tmp_path: Path) -> None:
    # Each waits for the other's mark: one after the other would never end.
    (tmp_path / "a.py").write_text(
        "import os\n"
        + function(
            "meet",
            "open(me, 'w').close()\n    while not os.path.exists(other):\n        pass\n"
            "    return 'met'",
            "me: str, other: str",
        )
    )
    folder = FunctionsFolder(tmp_path)
    results = await asyncio.gather(
        folder.call("meet", '{"me": "x", "other": "y"}', time_limit=20),
        folder.call("meet", '{"me": "y", "other": "x"}', time_limit=20),
    )
    assert [result.output for result in results] == ["met", "met"]
