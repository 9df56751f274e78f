"""The README says what is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from services.local.settings import read_settings
from tui.commands import BY_ID, COMMANDS, PLACES, keys_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def help_of(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tui", *command, "--help"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_key_is_in_the_table_with_its_command() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| `([a-z_.]+)` \|$", README, re.MULTILINE)
    expected = [
        (keys_text(each), each.title, PLACES[each.where], each.id) for each in COMMANDS if each.keys
    ]
    assert rows == expected


def test_the_settings_it_shows_are_understood(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(example)
    found = read_settings(file, {})
    assert found.screen.problems == ()
    assert set(found.screen.keymap) <= set(BY_ID)
    assert found.model.aliases


def test_every_option_it_names_is_there_and_the_ones_of_the_door_are_named() -> None:
    there: set[str] = set()
    for command in ([], ["serve"], ["ask"]):
        told = help_of(*command)
        there |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", told))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named - {"--extra"} <= there  # --extra is uv's
    assert {option for option in there if option.startswith("--allow")} <= named


def test_what_it_installs_is_what_there_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in re.findall(r"'\.\[([a-z,]+)\]'", README):
        assert set(extra.split(",")) <= set(project["optional-dependencies"])
    assert ".venv/bin/understudy" in README
    assert "understudy" in project["scripts"]


def test_files_it_names_are_there() -> None:
    named = re.findall(r"`((?:services|tui|tests)/[\w/]+\.py|\.ci/run)`", README)
    named += re.findall(r"\]\((?!#|https:)([^)]+)\)", README)
    assert any(name.endswith(".svg") for name in named)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_its_own_headings_are_what_it_links_to() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    linked = set(re.findall(r"\]\(#([^)]+)\)", README))
    assert linked
    assert linked <= anchors


def test_the_exit_codes_are_the_ones_of_the_help() -> None:
    row = re.compile(r"^\| (\d|128 \+ n) \|", re.MULTILINE)
    told = re.search(r"exit codes:\n((?:  .+\n)+)", help_of())
    assert told is not None
    assert row.findall(README) == re.findall(r"^  (\d|128 \+ n)  ", told[1], re.MULTILINE)


def test_its_pictures_fetch_nothing() -> None:
    pictures = sorted((ROOT / "screenshots").glob("*.svg"))
    assert pictures
    for picture in pictures:
        text = picture.read_text(encoding="utf-8")
        assert re.findall(r"@font-face|@import|href=|url\((?!#)", text) == [], picture.name


def test_every_variable_it_names_is_read_somewhere_and_the_other_way_round() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("services", "tui")
        for path in (ROOT / folder).rglob("*.py")
    )
    name = r"\bUNDERSTUDY_[A-Z_]+\b"
    assert set(re.findall(name, README)) == set(re.findall(name, source))
