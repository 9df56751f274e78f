from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services.local.paths import Paths
from services.records import ServiceError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_folder_holds_everything_when_the_environment_names_it(home: Path) -> None:
    paths = Paths.from_environment()
    assert paths.settings_file == home / "settings.toml"
    assert paths.data == home / "data"
    assert paths.functions == home / "functions"
    assert paths.log_file.parent == home / "log"
    assert paths.token_file.parent == home / "data"


def test_a_relative_or_tilde_home_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Paths.from_environment({"UNDERSTUDY_HOME": "here"}).data == tmp_path / "here" / "data"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Paths.from_environment({"UNDERSTUDY_HOME": "~/u"}).data == tmp_path / "u" / "data"


def test_an_unknown_users_home_is_a_sentence() -> None:
    with pytest.raises(ServiceError, match="UNDERSTUDY_HOME"):
        Paths.from_environment({"UNDERSTUDY_HOME": "~no-such-user-here/u"})


@pytest.mark.parametrize("environment", [{}, {"UNDERSTUDY_HOME": ""}])
def test_without_a_home_the_platforms_folders_are_used(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = Paths.from_environment(environment)
    folders = (paths.settings, paths.data, paths.functions, paths.log)
    assert all(tmp_path in folder.parents for folder in folders)
    assert all("understudy" in str(folder).lower() for folder in folders)


def test_looking_makes_nothing_and_creating_makes_private_folders(home: Path) -> None:
    paths = Paths.from_environment()
    assert not home.exists()
    paths.create()
    assert [mode(folder) for folder in (home, paths.data, paths.functions, paths.log)] == [
        0o700
    ] * 4
    paths.create()


def test_a_data_folder_open_to_others_is_closed_but_the_users_own_home_is_left(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    home.chmod(0o755)
    (home / "data").chmod(0o755)
    Paths.from_environment().create()
    assert mode(home / "data") == 0o700
    assert mode(home) == 0o755


def test_a_file_in_the_way_is_a_sentence_with_its_path(home: Path) -> None:
    home.write_text("I am a file")
    with pytest.raises(ServiceError) as caught:
        Paths.from_environment().create()
    assert str(home) in caught.value.sentence
    assert "UNDERSTUDY_HOME" in caught.value.sentence
    assert home.read_text() == "I am a file"


def test_settings_that_cannot_be_written_are_no_reason_not_to_start(home: Path) -> None:
    paths = Paths.from_environment()
    home.mkdir()
    paths.functions.write_text("in the way")
    paths.create()
    assert paths.data.is_dir()
