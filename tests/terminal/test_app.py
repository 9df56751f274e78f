"""The app on a real pseudo-terminal: it draws, takes keys, and leaves the terminal as it was."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.model_endpoint import endpoint
from tests.terminal.pty_session import PATIENCE, ROOT, UNDERSTUDY, PtySession, environment

LEFT_FULL_SCREEN = b"\x1b[?1049l"
SHOWS_THE_CURSOR = b"\x1b[?25h"
MOUSE_ON = re.compile(rb"\x1b\[\?100[0-6]h")
MOUSE_OFF = re.compile(rb"\x1b\[\?100[0-6]l")
CONTROL_Q = "\x11"


@contextlib.contextmanager
def the_app(home: Path, *arguments: str, **env: str) -> Iterator[PtySession]:
    with PtySession([*UNDERSTUDY, *arguments], environment(home, **env)) as session:
        session.wait_for("Message")
        yield session


def assert_restored(session: PtySession) -> None:
    assert LEFT_FULL_SCREEN in session.output
    assert session.output.rindex(LEFT_FULL_SCREEN) > session.output.rindex(b"\x1b[?1049h")
    assert SHOWS_THE_CURSOR in session.output[session.output.rindex(b"\x1b[?1049h") :]
    switched_on = set(MOUSE_ON.findall(session.output))
    switched_off = set(MOUSE_OFF.findall(session.output))
    assert {each[:-1] for each in switched_on} <= {each[:-1] for each in switched_off}
    assert session.modes() == session.modes_before


def test_it_answers_a_question_and_leaves_the_terminal_as_it_was(home: Path) -> None:
    with (
        endpoint(["Forty", "-two."]) as model,
        the_app(home, UNDERSTUDY_MODEL_URL=model.url) as session,
    ):
        session.type("six times seven")
        session.wait_for("six times seven")
        session.wait_for("ready")
        session.type("\r")
        session.wait_for("Forty-two.")
        session.type(CONTROL_Q)
        assert session.wait_for_exit() == 0
        assert_restored(session)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_ends_it_with_the_terminal_as_it_was(home: Path, number: signal.Signals) -> None:
    with the_app(home) as session:
        session.signal(number)
        assert session.wait_for_exit() == 128 + number
        assert_restored(session)
        assert b"Traceback" not in session.output


def test_a_closed_window_ends_it(home: Path) -> None:
    with the_app(home) as session:
        session.hang_up()
        session.wait_for_exit()


def test_interrupt_never_ends_it(home: Path) -> None:
    with the_app(home) as session:
        session.type("\x03still here")
        session.wait_for("still here")
        session.type(CONTROL_Q)
        assert session.wait_for_exit() == 0


def test_the_last_thread_comes_back(home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text('titles = "first line"\n')
    with endpoint(["I will."]) as model:
        with the_app(home, UNDERSTUDY_MODEL_URL=model.url) as session:
            session.wait_for("ready")
            session.type("remember this question\r")
            session.wait_for("I will.")
            session.type(CONTROL_Q)
            assert session.wait_for_exit() == 0
        with the_app(home, "--resume", UNDERSTUDY_MODEL_URL=model.url) as session:
            session.wait_for("I will.")
            session.wait_until(
                lambda: session.text().count("remember this question") >= 2,
                "question above the transcript and in it",
            )
            session.type(CONTROL_Q)
            assert session.wait_for_exit() == 0


def test_a_message_sent_in_the_breath_of_leaving_is_kept(home: Path) -> None:
    with the_app(home) as session:
        session.type(f"do not lose this\r{CONTROL_Q}")
        assert session.wait_for_exit() == 0
    with the_app(home, "--resume") as session:
        session.wait_until(
            lambda: session.text().count("do not lose this") >= 2, "the message in its thread"
        )


def test_broken_settings_are_told_and_kept(home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("theme = [")
    with the_app(home) as session:
        session.wait_for("settings.toml")
        session.type(CONTROL_Q)
        assert session.wait_for_exit() == 0
    assert (home / "settings.toml").read_text() == "theme = ["


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_be_drawn_on_is_a_sentence(home: Path, term: str) -> None:
    with PtySession(UNDERSTUDY, environment(home, TERM=term)) as session:
        assert session.wait_for_exit() == 2
        assert b"understudy ask" in session.output
        assert b"\x1b" not in session.output


@pytest.mark.parametrize("redirection", ["</dev/null", "2>&1 | cat", "2>/dev/null"])
def test_without_a_whole_terminal_nothing_is_drawn(home: Path, redirection: str) -> None:
    command = f"{' '.join(UNDERSTUDY)} {redirection}; echo over"
    with PtySession(["sh", "-c", command], environment(home)) as session:
        session.wait_for("over")
        session.wait_for_exit()
        assert b"\x1b" not in session.output


def test_without_any_terminal_it_points_to_ask(home: Path) -> None:
    done = subprocess.run(
        UNDERSTUDY,
        cwd=ROOT,
        env=environment(home),
        input=b"",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"understudy ask" in done.stderr


def test_an_unknown_connection_is_a_sentence(home: Path) -> None:
    with PtySession([*UNDERSTUDY, "--connection", "nowhere"], environment(home)) as session:
        assert session.wait_for_exit() == 1
        assert b"nowhere" in session.output
        assert b"Traceback" not in session.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--version"], 0, "understudy"),
        (["--help"], 0, "exit codes"),
        (["ask", "--help"], 0, "--allow-tool"),
        (["serve", "--help"], 0, "Listening on"),
        (["--nonsense"], 2, "--nonsense"),
        (["nonsense"], 2, "nonsense"),
        (["--thread", "t", "--resume"], 2, "not allowed"),
    ],
)
def test_the_command_line_explains_itself(
    home: Path, arguments: list[str], code: int, said: str
) -> None:
    done = subprocess.run(
        [*UNDERSTUDY, *arguments],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert not home.exists()
