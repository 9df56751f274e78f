from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.local.token import serve_token
from services.records import ServiceError


def test_the_environment_wins_and_nothing_is_written(tmp_path: Path) -> None:
    token = serve_token(tmp_path / "token", {"UNDERSTUDY_TOKEN": "given"})
    assert (token.value, token.file, token.new) == ("given", None, False)
    assert list(tmp_path.iterdir()) == []


def test_a_token_is_made_once_and_kept_for_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    first = serve_token(file, {})
    again = serve_token(file, {})
    assert (first.new, again.new) == (True, False)
    assert first.value == again.value
    assert len(first.value) >= 43  # 256 bits in base64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_two_starts_at_once_agree_on_one_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: serve_token(file, {}), range(8)))
    assert len({token.value for token in tokens}) == 1
    assert sum(token.new for token in tokens) == 1


def test_two_tokens_differ(tmp_path: Path) -> None:
    assert serve_token(tmp_path / "a", {}).value != serve_token(tmp_path / "b", {}).value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_touch_is_refused_and_kept(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    value = serve_token(file, {}).value
    file.chmod(mode)
    with pytest.raises(ServiceError) as caught:
        serve_token(file, {})
    assert str(file) in caught.value.sentence
    assert value not in caught.value.sentence
    assert file.read_text().strip() == value


def test_a_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("somebody's token")
    elsewhere.chmod(0o600)
    (tmp_path / "token").symlink_to(elsewhere)
    with pytest.raises(ServiceError, match="token"):
        serve_token(tmp_path / "token", {})


def test_a_pipe_in_place_of_the_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token", 0o600)
    with pytest.raises(ServiceError, match="not a file"):
        serve_token(tmp_path / "token", {})


@pytest.mark.parametrize("content", ["", "\n", "two words\n", "naïve\n", "bell\x07\n"])
def test_a_token_that_no_header_can_carry_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ServiceError, match="token in"):
        serve_token(file, {})


def test_a_token_is_not_in_its_repr(tmp_path: Path) -> None:
    token = serve_token(tmp_path / "token", {})
    assert token.value not in repr(token)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="cannot be kept"):
        serve_token(tmp_path / "missing" / "token", {})
