from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.local.atomic import write_atomically
from services.local.settings import (
    DEFAULT_SETTINGS_TEXT,
    ModelSettings,
    read_settings,
    write_setting,
)
from services.records import ServiceError, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_a_file_the_defaults_hold_and_nothing_is_written(file: Path) -> None:
    found = read_settings(file, {})
    assert found.screen == Settings()
    assert found.model == ModelSettings()
    assert not file.exists()


def test_the_default_text_says_nothing_but_what_holds_anyway(file: Path) -> None:
    file.write_text(DEFAULT_SETTINGS_TEXT)
    assert read_settings(file, {}) == read_settings(file.with_name("none"), {})


def test_every_line_of_the_default_text_works_when_it_is_switched_on(file: Path) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line else line
        for line in DEFAULT_SETTINGS_TEXT.splitlines()
    ]
    file.write_text("\n".join(lines))
    found = read_settings(file, {})
    assert found.screen.problems == ()
    assert found.model == ModelSettings(
        "http://127.0.0.1:11434/v1", None, "llama3.3", {"gpt-4o": "llama3.3"}
    )
    assert found.screen.keymap


def test_the_environment_wins_over_the_file(file: Path) -> None:
    file.write_text('[model]\nurl = "http://file/v1"\ndefault = "from-file"\n')
    environment = {
        "UNDERSTUDY_MODEL_URL": "https://environment/v1/",
        "UNDERSTUDY_MODEL_KEY": "k",
        "UNDERSTUDY_MODEL": "from-environment",
    }
    assert read_settings(file, environment).model == ModelSettings(
        "https://environment/v1", "k", "from-environment", {}
    )
    assert read_settings(file, {}).model == ModelSettings("http://file/v1", None, "from-file", {})


def test_the_driver_is_one_of_three_and_the_environment_wins(file: Path) -> None:
    file.write_text('[model]\ndriver = "responses"\n')
    assert read_settings(file, {}).model.driver == "responses"
    chat = read_settings(file, {"UNDERSTUDY_MODEL_DRIVER": "chat"})
    assert (chat.model.driver, chat.screen.problems) == ("chat", ())
    odd = read_settings(file, {"UNDERSTUDY_MODEL_DRIVER": "telepathy"})
    assert odd.model.driver == "responses"
    assert odd.screen.problems == ("UNDERSTUDY_MODEL_DRIVER must be one of auto, chat, responses.",)


def test_who_names_threads_is_chosen_in_the_file(file: Path) -> None:
    for line, by_the_model, problems in (
        ('titles = "model"', True, 0),
        ('titles = "first line"', False, 0),
        ('titles = "somebody"', True, 1),
        ("titles = false", True, 1),
    ):
        file.write_text(line)
        screen = read_settings(file, {}).screen
        assert (screen.model_titles, len(screen.problems)) == (by_the_model, problems), line


def test_the_key_is_not_in_the_repr() -> None:
    found = read_settings(Path("/nowhere/settings.toml"), {"UNDERSTUDY_MODEL_KEY": "sk-secret"})
    assert found.model.key == "sk-secret"
    assert "sk-secret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("theme = 3", 1, "theme"),
        ('\ncolour = "red"', 2, "colour"),
        ('[model]\nurl = "http://x/v1"\nfoo = 1', 3, "model.foo"),
        ('[model]\nurl = "localhost:11434"', 2, "model.url"),
        ('[model]\nkey = "sk-secret"', 2, "model.key"),
        ('[model]\ndriver = "telepathy"', 2, "model.driver"),
        ("[model]\ndriver = 3", 2, "model.driver"),
        ("[keymap]\n'thread.new' = 7", 2, "keymap.thread.new"),
        ('theme = "nord"\nmodel = "llama"', 2, "model"),
        ("[surprise]\na = 1", 1, "surprise"),
        ('[model.aliases]\n"gpt-4o" = ["a"]', 2, "model.aliases.gpt-4o"),
    ],
)
def test_what_is_not_understood_is_reported_with_its_line_and_the_rest_holds(
    file: Path, text: str, line: int, name: str
) -> None:
    file.write_text(text)
    (problem,) = read_settings(file, {}).screen.problems
    assert f"{file}, line {line}" in problem
    assert name in problem
    assert "sk-secret" not in problem


def test_one_bad_line_does_not_lose_the_good_ones(file: Path) -> None:
    file.write_text('theme = "nord"\nnonsense = 1\n[keymap]\n"thread.new" = "ctrl+t"\n')
    found = read_settings(file, {})
    assert found.screen.theme == "nord"
    assert found.screen.keymap == {"thread.new": "ctrl+t"}


def test_a_broken_file_is_reported_with_its_line_and_never_overwritten(file: Path) -> None:
    broken = 'theme = "nord\n[model]\n'
    file.write_text(broken)
    found = read_settings(file, {"UNDERSTUDY_MODEL": "m"})
    assert found.screen.theme == Settings().theme
    assert found.model.default == "m"
    (problem,) = found.screen.problems
    assert str(file) in problem
    assert "line 1" in problem
    with pytest.raises(ServiceError, match="left as it is"):
        write_setting(file, "theme", "dracula")
    assert file.read_text() == broken


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200))
def test_no_file_whatsoever_stops_the_program(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = read_settings(file, {})
    assert isinstance(found.screen.theme, str)
    assert file.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_a_problem_not_a_crash(file: Path) -> None:
    file.mkdir()
    assert "cannot be read" in read_settings(file, {}).screen.problems[0]


def test_a_bad_url_in_the_environment_is_reported_and_the_files_holds(file: Path) -> None:
    file.write_text('[model]\nurl = "http://file/v1"\n')
    found = read_settings(file, {"UNDERSTUDY_MODEL_URL": "localhost:1234"})
    assert found.model.url == "http://file/v1"
    assert "UNDERSTUDY_MODEL_URL" in found.screen.problems[0]


# -- writing -------------------------------------------------------------------------------------


def test_saving_keeps_comments_order_and_other_values(file: Path) -> None:
    file.write_text('# mine\ntheme = "nord"  # dark\n\n[model]\n# the one\ndefault = "a"\n')
    write_setting(file, "theme", "dracula")
    write_setting(file, "model.url", "http://x/v1")
    text = file.read_text()
    assert text.startswith('# mine\ntheme = "dracula"  # dark\n\n[model]\n# the one\n')
    assert read_settings(file, {}).model == ModelSettings("http://x/v1", None, "a", {})


def test_the_first_save_writes_the_commented_defaults(file: Path) -> None:
    write_setting(file, "theme", "nord")
    write_setting(file, "model.default", "llama")
    write_setting(file, ("model", "aliases", "gpt-3.5-turbo"), "llama")
    text = file.read_text()
    assert "# An OpenAI-compatible endpoint" in text
    found = read_settings(file, {})
    assert (found.screen.theme, found.model.default) == ("nord", "llama")
    assert found.model.aliases == {"gpt-3.5-turbo": "llama"}
    assert found.screen.problems == ()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_comes_back_as_it_was_saved(file: Path, value: str) -> None:
    write_setting(file, "model.default", value)
    assert tomllib.loads(file.read_bytes().decode())["model"]["default"] == value


def test_a_linked_settings_file_stays_a_link_and_keeps_its_mode(file: Path) -> None:
    real = file.with_name("dotfiles.toml")
    real.write_text("")
    real.chmod(0o644)
    file.symlink_to(real)
    write_setting(file, "theme", "nord")
    assert file.is_symlink()
    assert 'theme = "nord"' in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_terminal_is_told_can_be_set(file: Path) -> None:
    file.write_text('[terminal]\nnotify = "osc777"\ntitle = false\nplain = true\nmarks = "ascii"\n')
    screen = read_settings(file, {}).screen
    assert (screen.notify, screen.title, screen.plain, screen.marks) == (
        "osc777",
        False,
        True,
        "ascii",
    )
    assert screen.problems == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('notify = "loud"', "terminal.notify is ignored: it must be one of auto, bell"),
        ("notify = 3", "terminal.notify is ignored"),
        ('title = "yes"', "terminal.title is ignored: it must be true or false"),
        ("plain = 1", "terminal.plain is ignored: it must be true or false"),
        ('marks = "latin"', "terminal.marks is ignored: it must be one of auto, unicode, ascii"),
        ("bell = true", "terminal.bell is ignored: there is no such setting"),
    ],
)
def test_a_wrong_setting_of_the_terminal_names_file_line_and_reason(
    file: Path, line: str, reason: str
) -> None:
    file.write_text(f"[terminal]\n{line}\n")
    found = read_settings(file, {}).screen
    (problem,) = found.problems
    assert f"{file}, line 2" in problem
    assert reason in problem
    assert (found.notify, found.title, found.plain, found.marks) == ("auto", True, False, "auto")


def test_a_theme_counts_as_chosen_only_when_the_file_names_one(file: Path) -> None:
    assert not read_settings(file, {}).screen.theme_chosen
    file.write_text('theme = "understudy-dark"\n')
    assert read_settings(file, {}).screen.theme_chosen
